"""What the screens say and offer when money is in doubt, runs short, or was spent on something that is not here."""

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from room import MODELS, Room, acts, cards, choose, drawn, generate, label, press, tell, texts, write
from sqlalchemy.exc import OperationalError
from streamlit.testing.v1 import AppTest

from dashboard.components import budgets, credit, elsewhere, timeline, trouble, words
from dashboard.components.formats import literal
from dashboard.components.server import About
from data.artifacts import StoredImage
from data.catalog import catalog
from data.ledger import EVERYBODY, TEAM, person_scope
from data.mode import enter
from data.requests import validate
from data.settling import Word
from data.status import TaskStatus
from data.tasks import TaskStore

CREDIT = 1_000_000
SHA = "cd" * 32


def action(shown: dict[str, Any], act: str) -> dict[str, Any]:
    (found,) = [one for one in shown["actions"] if one.get("act") == act]
    return dict(found)


def sheet(room: Room, task_id: str) -> dict[str, Any]:
    return drawn(room.open(task=task_id), "sheet")


# One press, one purchase ----------------------------------------------------------------------------------------


def lose_the_next_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection dies after the commit and before its answer, once."""
    real = TaskStore.create

    def create(self: TaskStore, *asked: Any, **how: Any) -> Any:
        monkeypatch.setattr(TaskStore, "create", real)
        real(self, *asked, **how)
        raise OperationalError("COMMIT", {}, ConnectionError("the connection died"))

    monkeypatch.setattr(TaskStore, "create", create)


def test_a_press_whose_answer_was_lost_buys_once_when_it_is_pressed_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = write(room.open(), "a red kite")
    app.segmented_control(key="count").set_value(2).run()
    lose_the_next_answer(monkeypatch)
    press(app)
    assert "Press again: the same request is made, and paid for, only once." in texts(app).replace("\\", "")
    assert app.text_area(key="prompt").value == "a red kite"
    app.session_state["pressed_at"] -= 5
    press(app)
    assert len(room.all_tasks()) == 2
    assert "Press again" not in texts(app)
    app.session_state["pressed_at"] -= 5
    press(app)
    assert len(room.all_tasks()) == 4


def test_whoever_changes_the_form_after_a_lost_answer_asks_for_something_new(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = write(room.open(), "a red kite")
    lose_the_next_answer(monkeypatch)
    write(press(app), "a blue kite")
    assert "Press again" not in texts(app)
    app.session_state["pressed_at"] -= 5
    press(app)
    assert [task.prompt for task in room.all_tasks()] == ["a blue kite", "a red kite"]


def test_whoever_chooses_another_project_after_a_lost_answer_gets_it_there(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = write(room.open(), "a red kite")
    lose_the_next_answer(monkeypatch)
    press(app)
    app.session_state["project"] = "Spring"
    app.session_state["pressed_at"] -= 5
    press(app)
    ids = [task.id for task in room.all_tasks()]
    assert [card.project for card in room.history.cards(ids)] == ["Spring", None]


def test_two_sessions_never_share_a_press(room: Room) -> None:
    for _ in range(2):
        press(write(room.open(), "a red kite"))
    assert len(room.all_tasks()) == 2


def test_a_database_that_is_gone_pauses_the_live_part_with_a_sentence(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.ask()
    app = room.open()

    def gone(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT", {}, ConnectionError("gone"))

    with monkeypatch.context() as away:
        away.setattr("data.history.History.recent", gone)
        app.run()
        assert re.search(r"Live updates paused, last \d\d:\d\d: the database does not answer", texts(app))
        assert [card["prompt"] for card in cards(app)] == ["a red kite"], "what was read last stays on the page"
        assert app.text_area(key="prompt")
        assert not app.exception
        assert words.LIVE_PAUSED in texts(room.open()), "of what was never read nobody says when"
    app.button(key="retry_now").click().run()
    assert "Live updates paused" not in texts(app)


def test_a_refusal_in_a_callback_becomes_a_toast_of_the_next_run(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("dashboard.components.toasts.st.session_state", state)
    with trouble.callback():
        room.tasks.check_now(room.ask().id, who="local")
    assert state["toasts"] == [
        ("The provider never named this request, so there is nothing to ask it for.", ":material/error:")
    ]


def test_a_refused_text_no_longer_stands_in_the_way_of_the_one_that_replaces_it(room: Room) -> None:
    app = write(room.open(), "x" * 5001)
    assert generate(app).disabled
    base = drawn_composer(app)["base"]
    app.session_state["typed"] = {"typed": {"base": base, "empty": False, "edited": True}}
    app.run()
    assert not generate(app).disabled
    assert [error.value for error in app.error if "5,000" in error.value.replace("\\", "")] == []
    app.session_state["typed"] = {"typed": {"base": base, "empty": True, "edited": True}}
    app.run()
    assert (label(app), generate(app).disabled) == ("Add a prompt", True)
    app.session_state["typed"] = {"typed": {"base": "an older text", "empty": False, "edited": True}}
    app.run()
    assert generate(app).disabled


def drawn_composer(app: AppTest) -> dict[str, Any]:
    return drawn(app, "typed")


# The same again -------------------------------------------------------------------------------------------------


def test_the_same_request_within_a_day_is_noticed_and_can_be_opened_and_made_again(room: Room) -> None:
    task = room.ask("a red kite", aspect_ratio="1:1", output_format="png")
    app = write(room.open(), "  a red   kite ")
    assert "You asked for the same just now" in texts(app)
    assert (label(app), generate(app).disabled) == ("Generate again · ≈ 4 credits ($0.02)", False)
    app.segmented_control(key="count").set_value(4).run()
    assert label(app) == "Generate 4 again · ≈ 16 credits ($0.08)"
    app.button(key="open_same").click().run()
    assert drawn(app, "sheet")["id"] == task.id


def test_somebody_elses_same_request_is_told_by_their_name(room: Room) -> None:
    from data.preferences import Preferences

    Preferences(room.db).remember("http://idp|ann-1", name="Ann")
    room.ask("a red kite", person="http://idp|ann-1", aspect_ratio="1:1", output_format="png")
    assert "Ann asked for the same just now" in texts(write(room.open(), "a red kite"))
    assert "asked for the same" not in texts(write(room.open(), "another kite"))


# Budgets --------------------------------------------------------------------------------------------------------


def test_without_a_budget_nobody_speaks_of_one(room: Room) -> None:
    app = write(room.open(), "a red kite")
    assert "budget" not in texts(app).lower()
    assert label(app) == "Generate 1 · ≈ 4 credits ($0.02)"


def test_a_budget_shows_what_is_left_and_turns_amber_at_80_percent_with_the_pictures_left(room: Room) -> None:
    room.ledger.set_budget(TEAM, 100 * CREDIT, who="local")
    app = write(room.open(), "a red kite")
    assert "Team budget: 100 credits ($0.50) left this month" in texts(app).replace("\\", "")
    for _ in range(20):
        room.ask("other")
    app.run()
    said = texts(app).replace("\\", "")
    assert ":orange[:material/warning: Team budget: 20 credits ($0.10) left this month, 5 pictures]" in said
    assert not generate(app).disabled


def test_what_the_account_holds_stands_at_the_price_and_is_amber_where_it_does_not_cover_the_press(room: Room) -> None:
    room.say_hello()
    room.health.report("provider:kie", ok=True, message="", data={"credits_micro": 13 * CREDIT})
    app = write(room.open(), "a red kite")
    assert "13 credits left ($0.07)" in texts(app).replace("\\", "")
    room.ask()
    room.claim()  # sent after the provider was asked what is left
    assert "9 credits left" in texts(app.run()).replace("\\", "")
    app.segmented_control(key="count").set_value(4).run()
    said = texts(app).replace("\\", "")
    warning = (
        ":orange[:material/warning: The account at kie.ai holds 9 credits ($0.045), and this needs 16 credits ($0.08). "
    )
    assert f"{warning}What it" in said
    assert not generate(app).disabled, "what is not covered waits, and is not refused"
    room.health.report("provider:kie", ok=False, message="", data={"code": "no_credits"})
    app.segmented_control(key="count").set_value(1).run()
    assert "holds 0 credits ($0.00), and this needs 4 credits ($0.02)" in texts(app).replace("\\", "")


def test_what_others_pressed_counts_before_it_is_sent_and_the_page_that_shows_a_balance_hears_of_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.say_hello()
    room.health.report("provider:kie", ok=True, message="", data={"credits_micro": 13 * CREDIT})
    app = write(room.open(), "a red kite")
    monkeypatch.setattr("dashboard.resources.desk", lambda: SimpleNamespace(ledger=room.ledger))
    known = About(accounts=("kie",), board=room.health.all())
    told = credit.left(["kie"], known)
    room.ask(person="somebody else")
    waits = credit.left(["kie"], known)
    room.claim()
    assert (told, waits) == ({"kie": 13 * CREDIT}, {"kie": 9 * CREDIT})
    assert credit.left(["kie"], known) == waits, "the sending itself moves nothing"
    monkeypatch.setattr("dashboard.components.server.about", lambda: known)
    assert credit.told() == waits
    monkeypatch.undo()
    assert "9 credits left" in texts(app.run()).replace("\\", "")


def test_of_two_roads_each_says_what_it_holds_and_practice_says_nothing(room: Room) -> None:
    room.say_hello("kie", "ark")
    for account in ("kie", "ark"):
        room.health.report(f"provider:{account}", ok=True, message="", data={"credits_micro": 2000 * CREDIT})
    app = choose(room.open(), "Nano Banana", "Seedream 4.5, ByteDance direct")
    assert "kie.ai: 2,000 credits left" in texts(app).replace("\\", "")
    assert "ByteDance, direct: 2,000 credits left" in texts(app).replace("\\", "")
    room.say_hello(practice=True)
    assert "credits left" not in texts(app.run())


def test_a_press_that_would_pass_the_budget_is_refused_on_the_button_with_the_reason(room: Room) -> None:
    room.ledger.set_budget(TEAM, 6 * CREDIT, who="local")
    app = write(room.open(), "a red kite")
    app.segmented_control(key="count").set_value(2).run()
    said = texts(app).replace("\\", "")
    assert (label(app), generate(app).disabled) == ("Team budget allows 1 – choose fewer", True)
    assert "budget for this month has 6 credits ($0.03) left, and this needs 8 credits ($0.04). It can be" in said
    assert "charged" not in said  # nobody has pressed yet
    app.segmented_control(key="count").set_value(1).run()
    press(app)
    assert len(room.all_tasks()) == 1
    assert (label(app), generate(app).disabled) == ("Team budget is too small for this", True)
    room.ledger.set_budget(TEAM, 4 * CREDIT, who="local")
    assert (generate(app.run()).label, generate(app).disabled) == (
        "Team budget is spent – raise it in Settings",
        True,
    )


def test_a_persons_own_budget_stops_only_them_and_the_tighter_one_is_shown(room: Room) -> None:
    room.ledger.set_budget(TEAM, 1000 * CREDIT, who="local")
    room.ledger.set_budget(person_scope("local"), 0, who="local")
    app = write(room.open(), "a red kite")
    assert label(app) == "Your budget is spent – raise it in Settings"
    room.ledger.set_budget(person_scope("local"), None, who="local")
    room.ledger.set_budget(EVERYBODY, 40 * CREDIT, who="local")
    app.run()
    assert "Your budget: 40 credits ($0.20) left" in texts(app).replace("\\", "")


def test_no_budget_stops_practice_and_none_counts_it(room: Room) -> None:
    room.ledger.set_budget(TEAM, 0, who="local")
    room.say_hello(practice=True)
    enter(room.db, practice=True)
    app = press(write(room.open(), "a red kite"))
    room.done()
    assert label(write(app, "a blue kite")) == "Generate 1 · ≈ 4 practice credits"
    assert "budget" not in texts(app)
    said = texts(room.open("settings")).replace("\\", "")
    assert "**The team together** · 0 credits ($0.00) used · 0 credits ($0.00) a month" in said
    assert "Practice does not count." in said
    room.say_hello()
    enter(room.db, practice=False)
    assert label(write(room.open(), "a blue kite")) == "Team budget is spent – raise it in Settings"


def test_a_budget_that_shrank_behind_the_screens_back_refuses_the_press_and_loses_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.components.budget.left", lambda *_, **__: None)
    room.ledger.set_budget(TEAM, 1 * CREDIT, who="bob")
    app = press(write(room.open(), "a red kite"))
    assert room.all_tasks() == []
    said = texts(app).replace("\\", "")
    assert re.search(
        r"has 1 credits? left, and this needs 4\. Nothing was charged\. It can be raised in Settings\.", said
    )
    assert app.text_area(key="prompt").value == "a red kite"


def set_budget(app: AppTest, scope: str, text: str) -> AppTest:
    app.selectbox(key="budget_scope_en").set_value(scope)
    app.text_input(key="budget_credits").set_value(text)
    (button,) = [one for one in app.button if one.label == "Set the limit"]
    return button.click().run()


def test_settings_set_lift_and_show_budgets_with_who_and_when(room: Room) -> None:
    app = room.open("settings")
    assert "No budget is set" in texts(app)
    set_budget(app, TEAM, "1,000")
    set_budget(app, person_scope("local"), "12.5")
    assert {row.scope: row.micro for row in room.ledger.budgets()} == {
        TEAM: 1000 * CREDIT, person_scope("local"): 12_500_000,
    }  # fmt: skip
    room.ask()
    app = room.open("settings")
    said = texts(app).replace("\\", "")
    assert "**The team together** · 4 credits ($0.02) used, of them 4 held back · 1,000 credits ($5.00) a month" in said
    assert "**You** · 4 credits ($0.02) used, of them 4 held back · 12.5 credits ($0.0625) a month" in said
    assert re.search(r"Set by you, \d+ \w+ \d{4}, ", said)
    set_budget(app, TEAM, "")
    assert [row.scope for row in room.ledger.budgets()] == [person_scope("local")]
    assert not app.exception


@pytest.mark.parametrize("text", ["many", "-5", "1.25", "1e3", "99999999999", "٣", "1,00"])
def test_nonsense_for_a_budget_is_refused_with_a_sentence_and_changes_nothing(room: Room, text: str) -> None:
    room.ledger.set_budget(TEAM, 5 * CREDIT, who="local")
    app = set_budget(room.open("settings"), TEAM, text)
    assert any("is no number of credits" in error.value for error in app.error)
    assert [row.micro for row in room.ledger.budgets()] == [5 * CREDIT]


def test_credits_become_whole_micro_credits_without_a_rounding() -> None:
    typed = ["", " 500 ", "1,500", "1 500 000", "0.1", "12.5", "0"]
    assert [budgets.parse(text) for text in typed] == [
        None, 500 * CREDIT, 1500 * CREDIT, 1_500_000 * CREDIT, 100_000, 12_500_000, 0,
    ]  # fmt: skip


# The queue ------------------------------------------------------------------------------------------------------


def test_a_queue_says_when_its_last_is_sent(room: Room) -> None:
    data = {"accounts": ["kie"], "pace": {"creates": 20, "window_seconds": 10.5}}
    room.health.report("server", ok=True, message="Working.", data=data)
    spec = catalog().require(MODELS[0])
    room.tasks.create([validate(spec, f"kite {n}", {}, ()) for n in range(37)], person="bob")
    room.ask()
    assert drawn(room.open(), "now")["queue"] == "38 queued, the last is sent in about 10 s"


def test_no_queue_is_spoken_of_to_whoever_waits_for_nothing(room: Room) -> None:
    room.ask()
    room.done()
    for _ in range(30):
        room.ask(person="bob")
    assert drawn(room.open(), "now")["queue"] == ""


# Doubt ----------------------------------------------------------------------------------------------------------


def test_check_now_is_offered_only_where_the_provider_named_the_request(room: Room) -> None:
    task = room.ask()
    claim = room.doubt()
    assert acts(cards(room.open())[0]) == ["stop", "stop_again"]
    costs = [row for row in sheet(room, task.id)["settings"] if row["name"] == "Cost"]
    assert [(row["asked"], row["used"]) for row in costs] == [("≈ 4 credits ($0.02)", "not known whether charged")]
    room.tasks.name_call(task.id, f"p-{claim.submission_id}", who="local")
    assert acts(cards(room.open())[0]) == ["check", "stop", "stop_again"]


def test_a_cancelled_picture_that_does_not_come_can_be_asked_for(room: Room) -> None:
    task = room.ask()
    claim = room.running()
    assert acts(cards(room.open())[0]) == ["cancel"]
    room.tasks.cancel(task.id, who="local")
    assert acts(cards(room.open())[0]) == ["check"]
    assert [one["act"] for one in sheet(room, task.id)["actions"]] == ["check"]
    room.tasks.check_now(task.id, who="local")
    assert [look.submission_id for look in room.errands.claim_looks()] == [claim.submission_id]


def test_a_late_picture_can_be_asked_for_and_one_in_good_time_cannot(
    form_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = form_room
    room.ask()
    room.running()
    for seconds, offered in ((170, ["cancel"]), (190, ["cancel", "check"])):
        monkeypatch.setattr("dashboard.resources.now", lambda later=seconds: room.db.now() + timedelta(seconds=later))
        assert acts(cards(room.open())[0]) == offered


def test_giving_up_and_trying_again_warns_first_that_both_may_be_paid(room: Room) -> None:
    room.ask()
    room.doubt()
    again = action(cards(room.open())[0], "stop_again")
    assert again["label"] == "Give up and try again · ≈ 4 credits ($0.02)"
    assert "you pay for both" in again["ask"]["text"]
    assert (again["ask"]["yes"], again["ask"]["no"]) == (again["label"], "Keep waiting")


def test_giving_up_asks_first_because_money_may_be_lost(form_room: Room) -> None:
    room = form_room
    task = room.ask()
    room.doubt()
    for shown in (cards(room.open())[0], sheet(room, task.id)):
        ask = action(shown, "stop")["ask"]
        assert ask["text"].startswith("We stop looking. If the provider took it after all, it may be charged")
        assert (ask["title"], ask["yes"], ask["no"]) == ("Give up?", "Give up", "Keep waiting")


def test_what_a_doubt_that_was_given_up_cost_is_not_known_and_never_called_nothing(form_room: Room) -> None:
    room = form_room
    task = room.ask()
    room.doubt()
    room.tasks.write_off(task.id, who="local", again=True)
    assert cost(sheet(room, task.id)) == "not known whether charged"
    room.done()
    assert cost(sheet(room, task.id)) == "4 credits ($0.02); not known whether another call was charged"


def cost(shown: dict[str, Any]) -> str:
    (used,) = [row["used"] for row in shown["settings"] if row["name"] == "Cost"]
    return str(used)


def test_an_overdue_picture_did_not_cost_nothing_as_far_as_anybody_knows(form_room: Room) -> None:
    room = form_room
    task = room.ask()
    room.running()
    assert cost(sheet(room, task.id)) == ""
    room.later(minutes=31)
    assert cost(sheet(room, task.id)) == "not known whether charged"


def test_a_doubt_that_ran_out_still_offers_its_ends_and_says_how_long_a_result_is_kept(room: Room) -> None:
    task = room.ask()
    room.doubt()
    room.later(minutes=31)
    (card,) = cards(room.open())
    assert (card["word"], acts(card)) == ("Failed", ["stop", "stop_again", "use_again"])
    assert re.search(r"The provider keeps results until \d+ \w{3}; we look until then\.$", card["say"])
    room.tasks.write_off(task.id, who="local", again=False)
    (card,) = cards(room.open())
    assert acts(card) == ["retry", "other", "use_again"]
    assert "keeps results" not in card["say"]


def test_an_overdue_picture_counts_down_to_the_day_the_provider_deletes_it_and_can_be_asked_for(room: Room) -> None:
    room.ask()
    room.running()
    room.later(minutes=31)
    (card,) = cards(room.open())
    assert acts(card) == ["check", "retry", "other", "use_again"]
    assert "The provider keeps results until " in card["say"]


def test_a_card_that_was_tried_again_leads_to_its_newest_try_and_spends_nothing(room: Room) -> None:
    first = room.ask()
    room.fail()
    second = room.tasks.retry(first.id, who="local")
    room.fail()
    new, old = cards(app := room.open())
    assert (acts(new), acts(old)) == (["retry", "other", "use_again"], ["open", "use_again"])
    assert acts(sheet(room, first.id)) == ["open", "use_again"]
    tell(app, "now", "open", action(old, "open")["id"])
    assert app.query_params["task"] == second.id


def test_where_the_retry_was_cancelled_the_card_before_it_offers_one_again(room: Room) -> None:
    first = room.ask()
    room.fail()
    room.tasks.cancel(room.tasks.retry(first.id, who="local").id, who="local")
    new, old = cards(room.open())
    assert (acts(new), acts(old)) == (["use_again"], ["retry", "other", "use_again"])


def test_a_doubt_that_was_tried_again_may_still_be_given_up(room: Room) -> None:
    first = room.ask()
    room.doubt()
    room.later(minutes=31)
    room.tasks.retry(first.id, who="local")
    _, old = cards(room.open())
    assert acts(old) == ["open", "stop", "use_again"]


def test_the_drawer_takes_the_providers_id_for_a_request_in_doubt(room: Room) -> None:
    task = room.ask()
    claim = room.doubt()
    app = room.open(task=task.id)
    assert [field.label for field in app.text_input if field.key == f"name_{task.id}"] == [words.NAME_IT]
    app.text_input(key=f"name_{task.id}").set_value(" the-id ")
    app.button(key="name_call").click().run()
    assert [call.named_as for call in room.history.detail(task.id).submissions] == ["the-id"]
    assert [toast.value for toast in app.toast] == [literal(words.NAMED)]
    room.submissions.accepted(claim.submission_id, "the-id")
    assert not [field for field in room.open(task=task.id).text_input if field.key == f"name_{task.id}"]


def test_the_timeline_says_who_gave_a_doubt_up(room: Room) -> None:
    from data.preferences import Preferences

    Preferences(room.db).remember("http://idp|ann-1", name="Ann")
    task = room.ask()
    room.doubt()
    room.tasks.write_off(task.id, who="http://idp|ann-1", again=True)
    rows = {row[1]: row[2] for row in sheet(room, task.id)["timeline"]}
    assert rows["Asked for"] == "by you"
    assert re.fullmatch(r"by Ann, \d\d:\d\d", rows["Given up and asked for again"])
    assert rows["Sending to the provider"] == ""


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("RemoteProtocolError: Server disconnected without sending a response.",
         "the connection broke off before an answer came"),
        ("ReadTimeout", "no answer came in time"),
        ("TimeoutError", "no answer came in time"),
        ("ConnectError: [Errno 111] Connection refused", "no connection could be made"),
        ("_TooLongError: The provider's answer is longer than 80 MB", "The provider's answer is longer than 80 MB"),
        ("The provider answered with HTTP 502: bad gateway", "The provider answered with HTTP 502: bad gateway"),
    ],
)  # fmt: skip
def test_how_a_connection_failed_is_said_in_words(raw: str, said: str) -> None:
    assert timeline.in_words(raw) == said


def test_a_download_that_broke_off_is_told_in_words_and_raw_for_support(form_room: Room) -> None:
    room = form_room
    task = room.ask()
    claim = room.running()
    word = Word("succeeded", f"p-{claim.submission_id}", ("http://h/1.png",), charged_micro=4 * CREDIT)
    room.submissions.apply(claim.submission_id, word)
    room.errands.claim_fetch(timedelta(seconds=60))
    raw = "The connection failed: ReadError [Errno 104] Connection reset by peer"
    room.errands.fetch_failed(claim.submission_id, cause="download_retry", message=raw, permanent=False)
    shown = sheet(room, task.id)
    assert "ReadError" not in str(shown["timeline"])
    assert raw in str(shown["ids"])


def test_what_a_program_did_was_done_through_the_api(form_room: Room) -> None:
    room = form_room
    spec = catalog().require(MODELS[0])
    (task,) = room.tasks.create([validate(spec, "a red kite", {}, ())], person="api", source="api")
    room.tasks.cancel(task.id, who="api")
    (first, last) = sheet(room, task.id)["timeline"]
    assert first[2] == "through the API"
    assert re.fullmatch(r"through the API, \d\d:\d\d", last[2])


def test_a_cancelled_task_that_still_runs_is_not_shown_as_merely_drawing_in_history(room: Room) -> None:
    task = room.ask()
    room.running()
    room.tasks.cancel(task.id, who="local")
    (item,) = drawn(room.open("history"), "gallery")["items"]
    assert (item["word"], item["tone"]) == ("Cancelling", "off")


# Batches and files ----------------------------------------------------------------------------------------------


def test_the_failed_of_a_batch_are_tried_again_together_from_the_drawer_of_one(room: Room) -> None:
    spec = catalog().require(MODELS[0])
    made = room.tasks.create([validate(spec, f"kite {n}", {}, ()) for n in range(4)], person="local")
    room.done()
    for _ in range(3):
        room.fail()
    batch = action(sheet(room, made[1].id), "retry_failed")
    assert batch["label"] == "Try the 3 failed again · ≈ 12 credits ($0.06)"
    assert "ask" not in batch
    assert "retry_failed" not in [one["act"] for one in sheet(room, made[0].id)["actions"]]
    assert len(room.tasks.retry_failed(made[1].batch_id, who="local").tasks) == 3
    assert "retry_failed" not in [one["act"] for one in sheet(room, made[1].id)["actions"]]


def test_trying_a_batch_again_warns_where_one_may_be_paid_for_already(room: Room) -> None:
    spec = catalog().require(MODELS[0])
    made = room.tasks.create([validate(spec, f"kite {n}", {}, ()) for n in range(2)], person="local")
    room.fail()
    room.doubt()
    room.later(minutes=31)
    batch = action(sheet(room, made[0].id), "retry_failed")
    assert batch["ask"]["text"].startswith("One of them may be paid for already")


def test_files_that_did_not_come_home_can_be_fetched_for_free(room: Room) -> None:
    task = room.ask()
    claim = room.running()
    urls = tuple(f"http://h/{n}.png" for n in range(3))
    room.submissions.apply(claim.submission_id, Word("succeeded", f"p-{claim.submission_id}", urls, 12 * CREDIT))
    room.errands.claim_fetch(timedelta(seconds=60))
    for position in (0, 1):
        room.errands.stored(claim.submission_id, position, StoredImage(SHA, "image/png", 64, 64, 100))
    assert room.errands.fetched(claim.submission_id, missing=[2])
    (card,) = cards(room.open())
    assert (card["word"], card["more"]) == ("Done", "2 of 3 pictures")
    assert action(card, "download_again")["label"] == "Fetch the missing (free)"
    room.tasks.retry_download(task.id, who="local")
    assert room.history.card(task.id).status == TaskStatus.SUCCEEDED
    assert "download_again" not in acts(cards(room.open())[0])


@pytest.mark.parametrize("cause", ["expired", "download_failed"])
def test_addresses_that_ran_out_are_no_reason_to_pay_again(room: Room, cause: str) -> None:
    room.ask()
    claim = room.running()
    word = Word("succeeded", f"p-{claim.submission_id}", ("http://h/1.png",), charged_micro=4 * CREDIT)
    room.submissions.apply(claim.submission_id, word)
    room.errands.claim_fetch(timedelta(seconds=60))
    room.errands.fetch_failed(claim.submission_id, cause=cause, message="404", permanent=True)
    assert action(cards(room.open())[0], "download_again")["label"] == "Retry download (free)"


# Words ----------------------------------------------------------------------------------------------------------


def costs(results: dict[str, Any]) -> set[str]:
    """What a table of results of one price says of it, below its columns and below each picture."""
    foot = {row["name"]: row["values"] for row in results["foot"]}
    cells = [cell for group in results["groups"] for line in group["lines"] for cell in line["cells"]]
    return {*foot["Cost"], *foot["Cost of a picture"], *(cell["line"].split(" · ")[0] for cell in cells)}


def test_in_practice_every_price_names_credits_of_practice_and_nothing_is_said_to_be_charged(room: Room) -> None:
    room.say_hello(practice=True)
    red = room.ask("a red kite")
    room.done()
    blue = room.ask("a blue kite")
    room.fail()
    app = write(room.open(), "a green kite")
    shown = [texts(app), generate(app).label, *(str(card) for card in cards(app))]
    assert "≈ 4 practice credits each, nothing is charged" in shown[0].replace("\\", "")
    assert label(app) == "Generate 1 · ≈ 4 practice credits"
    listed = [
        *drawn(app, "families")["items"],
        *(item for group in drawn(app, "picker")["groups"] for item in group["items"]),
    ]
    prices = [item["facts"][0] for item in listed if not item["off"]]
    assert "≈ 4 practice credits" in prices
    assert all(price.endswith("practice credits") for price in prices if price != "price unknown")
    retry, done = (card for card in cards(app))
    assert action(retry, "retry")["label"] == "Retry · ≈ 4 practice credits"
    assert done["fact"].startswith("4 practice credits · ")
    assert "$" not in " ".join(shown)
    assert cost(sheet(room, red.id)) == "4 practice credits"
    view = drawn(room.open("results", batch=red.batch_id), "results")
    assert view["line"] == "1 of 1 done · Spent 4 practice credits"
    assert costs(view) == {"4 practice credits"}
    room.tasks.retry(blue.id, who="local")
    claim = room.running()
    word = Word("failed", f"p-{claim.submission_id}", (), 4 * CREDIT, "generation_failed", "no")
    room.submissions.apply(claim.submission_id, word)
    card, *_ = cards(room.open())
    assert "Nothing was charged but 4 practice credits." in card["say"]
    assert card["fact"] == "4 practice credits charged"


def test_every_lamp_on_the_board_is_shown_and_the_round_trip_is_not_working_while_it_is_tested(room: Room) -> None:
    room.say_hello()
    room.health.report("webhook", ok=True, message="Testing the round trip…", data={"nonce": "n"})
    room.health.report("money", ok=False, message="The provider charged for one more than we know.")
    room.health.report("housekeeping", ok=True, message="Nothing to do.")
    room.health.report("database", ok=False, message="The disk is full.")
    room.health.report("webhook:last", ok=True, message="A webhook arrived.")
    said = texts(room.open("settings")).replace("\\", "")
    assert "**Webhook** :blue-badge[:material/hourglass_top: Checking]" in said
    assert "**Charges** :red-badge[" in said
    assert "**Housekeeping** :green-badge[" in said
    assert said.count("**Database** ") == 1
    assert "**Database** :red-badge[" in said
    assert "The disk is full." in said
    assert "webhook:last" not in said.lower()


def fail_charged(room: Room) -> None:
    """The provider fails the next task, and charges for it."""
    claim = room.running()
    word = Word("failed", f"p-{claim.submission_id}", (), 4 * CREDIT, "generation_failed", "no")
    room.submissions.apply(claim.submission_id, word)


def paid_in_family(room: Room, task_id: str) -> list[str]:
    """What the family strip says of each, for the eye and for the ear."""
    family = sheet(room, task_id)["family"]
    every = [*family["elders"], family["me"], *family["children"]]
    assert all(one["name"].endswith(one["cost"]) for one in every)
    return [one["cost"] for one in every]


def test_a_tile_and_the_family_tell_what_was_practice_from_what_was_paid(room: Room) -> None:
    room.say_hello(practice=True)
    room.ask("a red kite")
    fail_charged(room)
    room.say_hello()
    (old,) = room.all_tasks()
    again = room.tasks.retry(old.id, who="local")
    room.done()
    room.ask("a boat")
    room.done()
    for practising in (False, True):
        room.say_hello(practice=practising)
        assert paid_in_family(room, again.id) == ["4 practice credits", "4 credits"]
        (boat, new, first) = drawn(room.open("history"), "gallery")["items"]
        assert [first["cost"], new["cost"], boat["cost"]] == ["4 practice credits", "4 credits", "4 credits"]


def failed_group(room: Room) -> dict[str, Any]:
    (section,) = drawn(room.open("history", status="failed"), "gallery")["sections"]
    return dict(section)


def test_what_was_paid_for_is_told_as_money_while_the_desk_practises(room: Room) -> None:
    paid, lost = room.ask("a red kite"), room.ask("a blue kite")
    room.done()
    fail_charged(room)
    room.say_hello(practice=True)
    failure, made = cards(room.open())
    assert made["fact"].startswith("4 credits ($0.02) · ")
    assert "4 credits were charged." in failure["say"]
    assert failure["fact"] == "4 credits ($0.02) charged"
    assert action(failure, "retry")["label"] == "Retry · ≈ 4 practice credits", "what is asked for now is practice"
    assert cost(sheet(room, paid.id)) == "4 credits ($0.02)"
    view = drawn(room.open("results", batch=paid.batch_id), "results")
    assert view["line"] == "1 of 1 done · Spent 4 credits ($0.02)"
    assert costs(view) == {"4 credits"}
    assert "4 credits were charged." in failed_group(room)["text"]
    assert "4 credits were charged." in elsewhere.summary(room.history.cards([lost.id]))[1]


def test_what_was_practice_is_not_told_as_money_once_a_key_is_set(room: Room) -> None:
    room.say_hello(practice=True)
    practised, lost = room.ask("a red kite"), room.ask("a blue kite")
    room.done()
    fail_charged(room)
    room.say_hello()
    failure, made = cards(room.open())
    assert made["fact"].startswith("4 practice credits · ")
    assert "Nothing was charged but 4 practice credits." in failure["say"]
    assert failure["fact"] == "4 practice credits charged"
    assert action(failure, "retry")["label"] == "Retry · ≈ 4 credits ($0.02)"
    assert cost(sheet(room, practised.id)) == "4 practice credits"
    view = drawn(room.open("results", batch=practised.batch_id), "results")
    assert view["line"] == "1 of 1 done · Spent 4 practice credits"
    assert costs(view) == {"4 practice credits"}
    assert "Nothing was charged but 4 practice credits." in failed_group(room)["text"]
    assert "Nothing was charged but 4 practice credits." in elsewhere.summary(room.history.cards([lost.id]))[1]
    room.tasks.retry(lost.id, who="local")
    fail_charged(room)
    assert "4 credits were charged." in failed_group(room)["text"], "what was practice adds nothing to it"
    assert drawn(room.open("results", batch=lost.batch_id), "results")["line"].endswith("Spent 4 credits ($0.02)")


def test_in_practice_no_doubt_is_about_money(room: Room) -> None:
    room.say_hello(practice=True)
    task = room.ask()
    room.doubt()
    (card,) = cards(room.open())
    shown = [card["say"], action(card, "stop")["ask"]["text"], action(card, "stop_again")["ask"]["text"]]
    assert all("othing was charged" in said for said in shown)
    room.later(minutes=31)
    (card,) = cards(room.open())
    assert "Nothing was charged. Trying again is a new request." in card["say"]
    assert cost(sheet(room, task.id)) == "nothing"
    assert "ask" not in action(failed_group(room), "retry_group")
    room.say_hello()
    (card,) = cards(room.open())
    assert "Nothing was charged. Trying again is a new request." in card["say"]
    assert acts(card) == ["stop", "use_again"], "what was practice is not made for money"
