"""The pages, run by Streamlit's own test harness over a real database; what only a browser can show is tested there."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pictures
import pytest
from room import APP, MODELS, Room, acts, cards, choose, drawn, generate, label, press, texts, write
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from dashboard.components import lamps, mount, timeline, words
from data.catalog import catalog
from data.preferences import Preferences
from data.requests import validate
from data.schema import utcnow
from data.settling import Word
from data.status import Outcome, TaskStatus


@pytest.fixture
def room(form_room: Room) -> Room:
    return form_room


def refused(app: AppTest) -> list[str]:
    return [one["sentence"] for one in drawn(app, "slots").get("refused", [])]


# The form -------------------------------------------------------------------------------------------------------


def test_the_button_says_what_is_missing_and_then_what_it_costs(room: Room) -> None:
    app = room.open()
    assert (label(app), generate(app).disabled) == ("Add a prompt", True)
    write(app, "a red kite")
    app.segmented_control(key="count").set_value(4).run()
    assert (label(app), generate(app).disabled) == (
        "Generate 4 · ≈ 16 credits ($0.08)",
        False,
    )
    assert not app.exception


def test_one_press_makes_a_batch_shows_its_cards_and_keeps_the_form(room: Room) -> None:
    app = write(room.open(), "  a red kite  ")
    app.segmented_control(key="count").set_value(2).run()
    app.pills(key="shape").set_value("16:9").run()
    press(app)
    made = room.all_tasks()
    assert [(task.prompt, task.params["aspect_ratio"], task.person) for task in made] == [
        ("a red kite", "16:9", "local")
    ] * 2
    assert [(card["word"], card["width"], card["height"]) for card in cards(app)] == [("Queued", 1344, 768)] * 2
    assert [card["place"] for card in cards(app)] == ["next in line", "2nd in line"]
    assert [card["fact"] for card in cards(app)] == ["≈ 4 credits ($0.02)"] * 2
    assert app.text_area(key="prompt").value == "  a red kite  "


def test_an_impatient_second_press_buys_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.components.press.ONE_PRESS_SECONDS", 60.0)  # a drawing may take more than one here
    app = write(room.open(), "a red kite")
    press(press(app))
    assert len(room.all_tasks()) == 1
    app.session_state["pressed_at"] -= 61
    press(app)
    assert len(room.all_tasks()) == 2


def test_another_text_written_and_pressed_within_the_same_second_is_asked_for(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.components.press.ONE_PRESS_SECONDS", 60.0)
    app = write(room.open(), "a red kite")
    press(app)
    press(write(app, "a blue kite"))
    press(app)
    assert sorted(task.prompt for task in room.all_tasks()) == ["a blue kite", "a red kite"]


def test_a_press_of_a_button_that_was_pressed_already_buys_nothing_however_late_it_comes(room: Room) -> None:
    app = write(room.open(), "a red kite")
    old = generate(app)
    press(app)
    app.session_state["pressed_at"] -= 60
    old.click().run()
    assert len(room.all_tasks()) == 1


def test_a_request_the_model_refuses_says_so_at_the_form_and_loses_nothing(room: Room) -> None:
    app = write(room.open(), "x" * 5001)
    assert (label(app), generate(app).disabled) == (words.NOT_YET, True)
    said = texts(app).replace("\\", "")
    assert said.count("at most 5,000 characters; this one has 5,001. Nothing was charged. Shorten it by 1.") == 1
    assert app.text_area(key="prompt").value == "x" * 5001
    assert room.all_tasks() == []


def test_an_example_fills_the_prompt_and_does_not_submit(room: Room) -> None:
    app = room.open()
    app.pills(key="example").set_value("Isometric icon").run()
    assert app.text_area(key="prompt").value == words.EXAMPLES["Isometric icon"]
    assert app.pills(key="example").value is None
    assert room.all_tasks() == []


def test_an_empty_desk_teaches_and_its_ideas_fill_prompt_and_shape(room: Room) -> None:
    app = room.open()
    assert words.EMPTY_TITLE in texts(app)
    app.button(key="idea_2").click().run()
    assert app.text_area(key="prompt").value == words.IDEAS[2][2]
    assert app.pills(key="shape").value == "16:9"


def test_the_real_pixels_of_the_shape_are_stated(room: Room) -> None:
    app = room.open()
    assert "1024 × 1024 pixels" in texts(app)
    choose(app, "Seedream 4.5")
    app.segmented_control(key="set_quality").set_value("4K").run()
    assert "4096 × 4096 pixels" in texts(app)


def test_a_shape_that_the_next_model_lacks_becomes_its_nearest(room: Room) -> None:
    app = room.open()
    app.pills(key="shape").set_value("4:5").run()
    choose(app, "Seedream 4.5")
    assert app.pills(key="shape").value == "3:4"
    assert not app.exception


def test_controls_that_a_model_lacks_are_shown_disabled_with_the_reason(room: Room) -> None:
    app = room.open()
    off = {one.label: one.value for one in app.text_input if one.disabled}
    assert {"Seed", "Steps"} <= off.keys()
    assert re.search(r"Nano Banana has no setting for .*seed.* or steps\.", texts(app).replace("\\", ""))


def test_a_switch_left_alone_is_not_sent(room: Room) -> None:
    press(write(room.open(), "a red kite"))
    assert room.all_tasks()[0].params == {"aspect_ratio": "1:1", "output_format": "png"}


def test_what_was_used_last_is_there_in_the_next_session(room: Room) -> None:
    app = room.open()
    choose(app, "Seedream 4.5")
    app.segmented_control(key="count").set_value(2).run()
    app.pills(key="shape").set_value("3:2").run()
    app.segmented_control(key="set_quality").set_value("4K").run()
    press(write(app, "a red kite"))
    later = room.open()
    assert later.session_state["chosen"] == ["Seedream 4.5"]
    assert later.segmented_control(key="count").value == 2
    assert (later.pills(key="shape").value, later.segmented_control(key="set_quality").value) == ("3:2", "4K")
    assert later.text_area(key="prompt").value == "a red kite"


def test_a_model_that_was_remembered_and_has_gone_is_no_trouble(room: Room) -> None:
    Preferences(room.db).remember(
        "local", choice=["Gone", 7], count=77, settings={"aspect_ratio": [9], "x": 1}, references=[{"a": 1}]
    )
    app = room.open()
    assert [one["name"] for one in drawn(app, "picker")["picked"]] == ["Nano Banana"]
    assert not app.exception


def test_a_model_remembered_by_an_older_version_as_a_name_alone_is_still_chosen(room: Room) -> None:
    Preferences(room.db).remember("local", choice="Seedream 4.5")
    assert [one["name"] for one in drawn(room.open(), "picker")["picked"]] == ["Seedream 4.5"]


def test_a_half_written_prompt_survives_a_visit_to_another_page(room: Room) -> None:
    app = write(room.open(), "half a thou")
    app.switch_page("app_pages/history.py").run()
    app.switch_page("app_pages/generate.py").run()
    assert app.text_area(key="prompt").value == "half a thou"


# References -----------------------------------------------------------------------------------------------------


def drop(app: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    return app.file_uploader[0].set_value(list(files)).run()


def test_a_reference_is_taken_once_shown_with_what_was_done_and_brings_the_edit_model(room: Room) -> None:
    app = drop(room.open(), ("phone.jpg", pictures.phone_jpeg(), "image/jpeg"))
    slots = drawn(app, "slots")
    assert slots["words"]["title"] == "1 of 10 · Nano Banana Edit will use them"
    assert "rotated upright" in slots["slots"][0]["note"]
    assert slots["slots"][0]["src"].startswith("http://127.0.0.1:8600/files/")
    write(app, "as a drawing")
    assert len(drawn(app, "slots")["slots"]) == 1
    app.session_state["drop_taken_at"] -= 30
    app.run()
    assert app.file_uploader[0].value == []  # once it is quiet, nothing stays in memory
    assert len(drawn(app, "slots")["slots"]) == 1
    press(app)
    task = room.all_tasks()[0]
    assert task.model == "google/nano-banana-edit"
    assert [row.filename for row in room.history.detail(task.id).inputs] == ["phone.jpg"]


def test_a_file_that_is_under_way_while_another_is_taken_meets_the_same_zone(room: Room) -> None:
    app = room.open()
    zone = app.file_uploader[0].key
    for name in ("a.png", "b.png"):
        drop(app, (name, pictures.png(64 + ord(name[0]), 64), "image/png"))
        assert app.file_uploader[0].key == zone  # what the browser sends for another key is lost
    assert [slot["name"] for slot in drawn(app, "slots")["slots"]] == ["a.png", "b.png"]


def test_a_refused_file_is_named_with_the_reason_and_the_others_are_kept(room: Room) -> None:
    gif, good = ("party.gif", pictures.animated_gif(), "image/gif"), ("good.png", pictures.png(), "image/png")
    app = drop(room.open(), gif, good)
    assert len(refused(app)) == 1
    assert refused(app)[0].startswith("party.gif is a GIF, ")
    assert "Nothing was charged." in refused(app)[0]
    assert [slot["name"] for slot in drawn(app, "slots")["slots"]] == ["good.png"]


def test_references_are_still_there_after_a_reload(room: Room) -> None:
    drop(room.open(), ("good.png", pictures.png(), "image/png"))
    assert [slot["name"] for slot in drawn(room.open(), "slots")["slots"]] == ["good.png"]


# The Now strip --------------------------------------------------------------------------------------------------


def test_each_state_has_its_word_and_what_can_be_done(room: Room) -> None:
    room.ask("queued", aspect_ratio="1:1")
    (card,) = cards(room.open())
    assert (card["word"], acts(card), card["place"]) == ("Queued", ["cancel"], "next in line")
    assert (card["pixels"], card["say"]) == ("1024 × 1024", "Nothing was sent yet, so nothing is charged")
    claim = room.claim()
    (card,) = cards(room.open())
    assert (card["word"], acts(card), card["say"]) == ("Sending", ["cancel"], "On its way to kie.ai")
    room.submissions.accepted(claim.submission_id, "p1")
    (card,) = cards(room.open())
    assert (card["word"], card["tick"]["text"], card["say"]) == ("Drawing", "usually 9 s", "")
    room.submissions.apply(claim.submission_id, Word("succeeded", "p1", ("http://h/1.png",), charged_micro=4_000_000))
    (card,) = cards(room.open())
    assert (card["word"], acts(card), card["say"]) == ("Saving", [], "The picture is ready and is being saved")


def test_a_done_card_has_picture_cost_and_one_click_download(room: Room) -> None:
    room.ask("a red kite")
    room.done()
    card = cards(room.open())[0]
    assert (card["word"], acts(card)) == ("Done", ["Download", "edit", "vary", "star", "pick"])
    assert "4 credits ($0.02)" in card["fact"]
    assert "/1280?" in card["picture"]
    assert "n=a-red-kite_" in card["actions"][0]["href"]


def test_a_refused_card_says_so_and_offers_first_what_is_not_the_same_again(room: Room) -> None:
    room.ask("something rude")
    claim = room.running()
    word = Word("failed", f"p-{claim.submission_id}", (), 0, "policy", "violates our policy")
    room.submissions.apply(claim.submission_id, word)
    card = cards(room.open())[0]
    assert (card["word"], acts(card)) == ("Refused", ["other", "use_again", "retry"])
    assert (
        card["say"]
        == "The model refused this prompt (policy). Nothing was charged. Change the prompt, or try another model."
    )
    assert card["actions"][-1]["label"] == "Retry · ≈ 4 credits ($0.02)"
    assert card["details"]["text"] == "violates our policy"


def test_a_paid_picture_that_could_not_be_fetched_can_be_fetched_again_for_free(room: Room) -> None:
    room.ask()
    claim = room.running()
    word = Word("succeeded", f"p-{claim.submission_id}", ("http://h/1.png",), charged_micro=4_000_000)
    room.submissions.apply(claim.submission_id, word)
    room.errands.claim_fetch(timedelta(seconds=60))
    room.errands.fetch_failed(claim.submission_id, cause="not_an_image", message="a web page", permanent=True)
    assert acts(cards(room.open())[0]) == ["download_again", "retry", "use_again"]


def test_a_doubtful_card_promises_no_second_charge_and_says_until_when(room: Room) -> None:
    room.ask()
    room.submissions.in_doubt(room.claim().submission_id, message="timeout")
    card = cards(room.open())[0]
    assert (card["word"], acts(card)) == ("Unconfirmed", ["stop", "stop_again"])
    assert card["say"].startswith("No answer yet. It may still arrive: we look for it until ")
    assert card["say"].endswith("You will not be charged twice.")


def test_a_waiting_card_says_why_and_so_do_those_behind_it(room: Room) -> None:
    room.ask("first")
    room.ask("second")
    room.submissions.not_taken(
        room.claim().submission_id, Outcome.REJECTED, cause="no_credits", message="402",
        retry_in=timedelta(minutes=5), pauses_account=True,
    )  # fmt: skip
    shown = cards(room.open())
    assert [card["word"] for card in shown] == ["Queued", "Queued"]
    assert all("out of credits. Nothing was charged." in card["say"] for card in shown)
    assert [acts(card) for card in shown] == [["cancel"], ["cancel"]]


def test_an_account_that_cannot_pay_is_the_reason_also_where_our_own_server_held_a_task_up(room: Room) -> None:
    for cause, shuts in (("held_up", False), ("no_credits", True)):
        room.ask(cause)
        room.submissions.not_taken(
            room.claim().submission_id, Outcome.NOT_SENT, cause=cause, message="", retry_in=timedelta(minutes=5),
            pauses_account=shuts,
        )  # fmt: skip
    shown = cards(room.open())
    assert ["out of credits" in card["say"] for card in shown] == [True, True]


def test_a_cancel_after_sending_says_that_the_picture_is_kept(room: Room) -> None:
    task = room.ask()
    room.running()
    assert room.tasks.cancel(task.id, who="local") is False
    card = cards(room.open())[0]
    assert (card["word"], card["tone"], card["tick"]) == ("Cancelling", "off", None)
    assert "We will keep what comes of it." in card["say"]


def test_signs_in_a_prompt_stay_signs(room: Room) -> None:
    prompt = "<b>$x^2$ {a} :smile: **bold** `code` </script> قارب"
    room.ask(prompt)
    app = room.open()
    assert cards(app)[0]["prompt"] == prompt
    assert prompt not in texts(app)


def test_other_peoples_pictures_are_not_in_my_strip(room: Room) -> None:
    room.ask(person="bob")
    assert cards(room.open()) == []


def test_a_batch_reads_from_its_first_picture_and_the_newest_batch_comes_first(room: Room) -> None:
    spec = catalog().require(MODELS[0])
    for name in ("old", "new"):
        room.tasks.create([validate(spec, f"{name} {index}", {}, ()) for index in (1, 2)], person="local")
    assert [card["prompt"] for card in cards(room.open())] == ["new 1", "new 2", "old 1", "old 2"]


# Events ---------------------------------------------------------------------------------------------------------


def test_an_event_is_done_once_however_often_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        {"seq": 1, "epoch": "now", "act": "retry", "id": "a"},
        {"seq": 2, "epoch": "now", "act": "open", "id": "b"},
    ]
    state: dict[str, Any] = {"epoch": "now", "strip": {"events": events}}
    monkeypatch.setattr(mount.st, "session_state", state)
    heard: list[tuple[str, str]] = []
    for _ in range(3):
        mount._deliver("strip", lambda act, name: heard.append((act, name)))
    assert heard == [("retry", "a"), ("open", "b")]
    assert state["strip_ack"] == 2


def test_a_server_that_restarted_does_not_repeat_what_an_open_page_still_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    old = [{"seq": 9, "epoch": "before the restart", "act": "retry", "id": "a"}]
    monkeypatch.setattr(mount.st, "session_state", {"epoch": "after", "strip": {"events": old}})
    mount._deliver("strip", lambda *_: pytest.fail("a paid retry was repeated"))


# Banners --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["generate", "history", "settings"])
def test_practice_mode_is_said_on_every_page(room: Room, name: str) -> None:
    room.say_hello(practice=True)
    assert words.PRACTICE in texts(room.open(name))


def test_with_a_key_nobody_speaks_of_practice(room: Room) -> None:
    room.say_hello()
    assert "ractice" not in texts(room.open()) + texts(room.open("settings"))


def test_a_silent_server_is_said_with_the_time_and_that_nothing_is_lost(room: Room) -> None:
    room.say_hello()
    with room.db.engine.begin() as connection:
        connection.execute(text("UPDATE health SET at = :at"), {"at": str(utcnow() - timedelta(minutes=3))[:26]})
    app = room.open()
    assert "has not answered since" in app.error[0].value
    assert "nothing is lost" in app.error[0].value
    assert not app.exception


def test_a_database_of_a_newer_version_gives_a_sentence_and_not_a_traceback(room: Room) -> None:
    with room.db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    app = room.open()
    assert words.DATABASE_TROUBLE in texts(app)
    assert not app.exception


# The drawer -----------------------------------------------------------------------------------------------------


def test_a_copied_link_opens_the_same_task_with_everything_about_it(room: Room) -> None:
    task = room.ask("a red kite", aspect_ratio="16:9")
    room.done(count=2)
    sheet = drawn(room.open(task=task.id), "sheet")
    assert sheet["prompt"] == "a red kite"
    assert [one["label"] for one in sheet["pictures"]] == ["Download 1 of 2", "Download 2 of 2"]
    rows = {row["name"]: (row["asked"], row["used"], row["differs"]) for row in sheet["settings"]}
    assert rows["Shape"] == ("16:9", "1:1", True)
    assert rows["Cost"] == ("≈ 4 credits ($0.02)", "4 credits ($0.02)", False)
    assert [row[1] for row in sheet["timeline"]] == [
        "Asked for", "Sending to the provider", "The provider has it", "Ready at the provider", "Saved here",
    ]  # fmt: skip
    assert sheet["timeline"][1][0].startswith("+")


def test_a_link_to_nothing_says_so_and_shows_the_page(room: Room) -> None:
    app = room.open(task="nonsense")
    assert [toast.value for toast in app.toast] == ["The link names a request that does not exist here."]
    assert app.text_area(key="prompt")


# Settings -------------------------------------------------------------------------------------------------------


def test_beside_the_balance_stands_how_long_it_lasts_at_the_price_and_pace_of_a_week(room: Room) -> None:
    room.say_hello()
    for _ in range(2):
        room.ask()
        room.done()
    room.health.report("provider:kie", ok=True, message="", data={"credits_micro": 90_000_000})
    said = texts(room.open("settings")).replace("\\", "")
    assert "Enough for about 22 more at the price of the last 7 days; at their pace, for 11 days." in said


def test_settings_say_in_words_how_each_part_is(room: Room) -> None:
    room.say_hello()
    room.health.report("provider:kie", ok=True, message="Answers in 0.4 s.", data={"credits_micro": 1_984_000_000})
    room.health.report("storage", ok=False, message="The disk that holds the pictures is full.")
    said = texts(room.open("settings")).replace("\\", "")
    assert "Answers in 0.4 s. 1,984 credits left ($9.92)." in said
    assert "Enough for" not in said, "nothing was paid yet, so nobody knows at which price"
    assert "1 part needs attention: Storage." in said, "the question at the head of the section has its answer"
    assert "**Storage** :red-badge[:material/priority_high: Needs attention]" in said
    assert "**Webhook** :gray-badge[:material/question_mark: Not known]" in said


@pytest.mark.parametrize(
    ("name", "minutes", "said"),
    [
        ("provider:sandbox-gemini", 4, "Checked 4 min ago."),
        ("storage", 33, "Checked 33 min ago, and not since: it may have changed. The callback server should check it "
                        "every five minutes."),
        ("webhook", 33, "Checked 33 min ago."),
        ("money", 240, "Checked 4 h ago, as every night."),
        ("database", 33, "Unchanged since 11:27."),
    ],
)  # fmt: skip
def test_a_lamp_says_when_it_was_looked_at_and_whether_that_is_long_ago(name: str, minutes: int, said: str) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert lamps._when(name, noon - timedelta(minutes=minutes), noon) == said


def test_a_lamp_calls_a_provider_by_the_name_that_people_know() -> None:
    names = ("kie", "kie-seedream", "gemini", "sandbox", "sandbox-ark")
    assert [lamps._account(name) for name in names] == [
        "Provider kie.ai", "Provider kie.ai for Seedream", "Provider Google, direct", "Stand-in for kie.ai",
        "Stand-in for ByteDance",
    ]  # fmt: skip


def test_check_now_asks_the_server_and_says_that_it_waits(room: Room) -> None:
    room.say_hello()
    room.health.report("storage", ok=True, message="41 GB free.")
    app = room.open("settings")
    [button] = [one for one in app.button if one.label == "Check now"]
    button.click().run()
    assert room.health.asked() == {"storage"}
    assert "Checking…" in [one.label for one in app.button]


def test_settings_show_how_to_leave_practice_mode_only_in_practice(room: Room) -> None:
    room.say_hello(practice=True)
    assert words.LEAVE_PRACTICE in texts(room.open("settings"))
    room.say_hello()
    assert words.LEAVE_PRACTICE not in texts(room.open("settings"))


def test_every_status_has_a_word() -> None:
    assert set(words.WORDS) == set(TaskStatus)


def test_every_kind_of_event_that_the_stores_write_has_words() -> None:
    source = "".join(path.read_text() for path in sorted((APP.parent.parent / "data").glob("*.py")))
    kinds = set(re.findall(r'kind="([a-z_]+)"', source)) | set(re.findall(r'log\(session, [\w.]+, "([a-z_]+)"', source))
    kinds |= set(re.findall(r'log_each\(session, [^"]+, "([a-z_]+)"', source))
    kinds |= {outcome.value for outcome in (Outcome.REJECTED, Outcome.NOT_SENT)}
    assert kinds - set(timeline.EVENTS) == set()


# Who is here ----------------------------------------------------------------------------------------------------

SIGN_IN = {
    "redirect_uri": "http://localhost:8501/oauth2callback",
    "server_metadata_url": "http://localhost:1/.well-known/openid-configuration",
    "cookie_secret": "x" * 32,
    "client_id": "desk",
    "client_secret": "y",
}


def signed_in(**claims: Any) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.secrets["auth"] = SIGN_IN
    app.user = {"is_logged_in": True, "iss": "http://idp", "sub": "ann-1", "name": "Ann", **claims}
    return app.run()


def test_where_sign_in_is_configured_nobody_sees_the_desk_without_it(room: Room) -> None:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.secrets["auth"], app.user = SIGN_IN, {"is_logged_in": False}
    app.run()
    assert app.button(key="sign_in").label == "Sign in"
    assert len(app.text_area) == 0
    assert not app.exception


def test_a_signed_in_person_makes_pictures_under_their_own_subject(room: Room) -> None:
    press(write(signed_in(exp=utcnow().timestamp() + 600), "a red kite"))
    assert [task.person for task in room.all_tasks()] == ["http://idp|ann-1"]


@pytest.mark.parametrize(("claims", "here"), [({}, True), ({"exp": 4e9}, True), ({"exp": 1}, False)])
def test_no_link_leads_anywhere_once_a_sign_in_has_expired(claims: dict[str, Any], here: bool) -> None:
    app = AppTest.from_string("import streamlit as st; from dashboard.auth import is_here; st.text(is_here())")
    app.secrets["auth"], app.user = SIGN_IN, {"is_logged_in": True, **claims}
    assert app.run().text[0].value == str(here)


def test_a_sign_in_that_has_expired_no_longer_counts(room: Room) -> None:
    app = signed_in(exp=utcnow().timestamp() - 1)
    assert len(app.text_area) == 0
