"""What Generate offers beyond the bare form: both families, earlier prompts, templates, pictures to start from."""

from typing import Any

import pictures
import pytest
from room import Room, cards, choose, drawn, generate, label, press, tell, texts, write
from room import acts as acts_of
from streamlit.testing.v1 import AppTest

from dashboard.components import acts, chooser, drop_zone, families, form_words, references, templates, words
from dashboard.components.server import About
from data.catalog import catalog
from data.errors import NotAllowed
from data.images import StoredImage
from data.ledger import TEAM
from data.shrinking import Fit
from data.templates import Templates
from data.usual import Usual

NANO, DREAM = "Nano Banana", "Seedream 4.5"
PROMPT = "A {subject} on {ground}"


@pytest.fixture
def room(form_room: Room) -> Room:
    return form_room


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session without a page, for what a press in a component of ours does."""
    state: dict[str, Any] = {"chosen": [NANO], "several": False, "references": [], "about": About(), "form_of": "local"}
    monkeypatch.setattr("streamlit.session_state", state)
    return state


def said(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def way(app: AppTest, name: str) -> dict[str, Any]:
    return next(one for one in drawn(app, "families")["items"] if one["name"] == name)


# Both families --------------------------------------------------------------------------------------------------


def test_both_families_stand_beside_each_alone_each_with_price_and_time(room: Room) -> None:
    app = room.open()
    assert [one["name"] for one in drawn(app, "families")["items"]] == ["Seedream", "Nano Banana", "Both"]
    assert (way(app, "Nano Banana")["facts"], way(app, "Nano Banana")["picked"]) == (["≈ 4 credits", "9 s"], True)
    assert (way(app, "Both")["facts"][0], way(app, "Both")["models"]) == (
        "≈ 10.5 credits",
        "Seedream 4.5 + Nano Banana",
    )
    app = choose(app, NANO, DREAM)
    assert [one["picked"] for one in drawn(app, "families")["items"]] == [False, False, True]
    assert label(write(app, "a red kite")) == "Generate 2 · ≈ 10.5 credits ($0.0525)"
    assert not any(one["picked"] for one in drawn(choose(app, "Veo 3.1 Fast"), "families")["items"])


def test_a_family_is_the_model_of_it_that_was_used_last(state: dict[str, Any]) -> None:
    families._act("family", "seedream")
    assert (state["chosen"], state["several"]) == ([DREAM], False)
    families.choose(["Nano Banana Pro"])
    families._act("family", "both")
    assert (state["chosen"], state["several"]) == ([DREAM, "Nano Banana Pro"], True)
    families._act("family", "nano-banana")
    assert (state["chosen"], state["several"]) == (["Nano Banana Pro"], False)


def test_what_both_families_made_is_put_side_by_side_by_one_press_on_either_card(form_room: Room) -> None:
    app = press(write(choose(form_room.open(), NANO, DREAM), "a red kite"))
    form_room.done()
    assert not [act for card in cards(app.run()) for act in card["actions"] if act.get("act") == "beside"]
    form_room.done()
    form_room.ask("a red kite")  # of another press: it stands beside nothing
    form_room.done()
    shown = cards(app.run())
    first, second = sorted((card for card in shown if "beside" in acts_of(card)), key=lambda card: card["id"])
    pairs = {act["id"] for card in (first, second) for act in card["actions"] if act.get("act") == "beside"}
    assert pairs == {f"{first['id']} {second['id']}"}, "the same two, in the same order, from whichever card"
    tell(app, "now", "beside", pairs.pop())
    assert dict(app.query_params) == {"a": first["id"], "b": second["id"]}


def test_a_family_that_nobody_connected_cannot_be_picked_and_neither_can_both(
    room: Room, state: dict[str, Any]
) -> None:
    state["about"] = About(connected=frozenset({("kie", "nano-banana")}))
    for name in ("seedream", "both"):
        families._act("family", name)
        assert state["chosen"] == [NANO]


def test_photos_are_asked_for_as_jpeg_where_nobody_says_what_browser_it_is(room: Room) -> None:
    (zone,) = room.open().get("file_uploader")
    asked = list(zone.proto.type)
    assert asked[0] == "image/jpeg"
    assert not {"image/*", "image/heic", ".heic", ".heif"} & set(asked)


def test_a_browser_that_converts_no_photo_hands_over_heic() -> None:
    for machine, takes in (("Windows NT 10.0", True), ("X11; Linux x86_64", True), ("Linux; Android 14", True),
                           ("iPhone; CPU iPhone OS 18_0 like Mac OS X", False), ("Macintosh; Intel Mac OS X", True),
                           ("", False)):  # fmt: skip
        assert ("heic" in drop_zone._types(f"Mozilla/5.0 ({machine})")) is takes


def test_what_a_later_model_finds_too_large_is_made_smaller_by_a_press(room: Room, state: dict[str, Any]) -> None:
    image = room.artifacts.take_reference(pictures.png(1200, 900), "cat.png")
    state["references"] = [image]
    references._act("shrink", image.sha256, Fit(10**7, 270_000))
    (small,) = state["references"]
    assert (small.width, small.height, small.filename) == (600, 450, "cat.png")
    assert room.artifacts.read_original(image.sha256), "what was added stays as it is"


def test_a_smaller_copy_that_is_there_already_takes_no_second_slot(room: Room, state: dict[str, Any]) -> None:
    fit = Fit(10**7, 270_000)
    image = room.artifacts.take_reference(pictures.png(1200, 900), "cat.png")
    small = room.artifacts.take_reference(pictures.png(1200, 900), "cat.png", fit=fit)
    state["references"] = [small, image]
    references._act("shrink", image.sha256, fit)
    assert state["references"] == [small]


def test_pictures_that_are_too_large_together_offer_to_be_made_smaller_each_by_its_part(room: Room) -> None:
    room.say_hello("kie", "gemini")
    app = room.open()
    sizes = {"a": 8_000_000, "b": 1_000_000, "c": 7_000_000}
    app.session_state["references"] = [
        StoredImage(name * 64, "image/jpeg", 2000, 1500, size, f"{name}.jpg") for name, size in sizes.items()
    ]
    app = choose(app, "Nano Banana 2.1, Google direct")
    slots = drawn(app, "slots")["slots"]
    assert [bool(slot.get("shrink")) for slot in slots] == [True, False, True]
    assert slots[0]["trouble"].startswith("The reference images are too large together: 16 MB")
    (limits,) = {spec.references for spec in catalog().models if spec.references and spec.references.total_mb == 14}
    fit = references._together(Fit(14_000_000, 10**8), [limits], app.session_state["references"])
    assert fit.size == 6_500_000, "the small one leaves its room to the others"


def test_only_a_model_that_does_not_take_it_offers_to_make_it_smaller(room: Room) -> None:
    room.say_hello("kie", "ark")
    app = room.open()
    app.session_state["references"] = [StoredImage("a" * 64, "image/png", 8000, 6000, 1000, "wide.png")]
    assert not drawn(app.run(), "slots")["slots"][0].get("shrink")
    slot = drawn(choose(app, "Seedream 4.5, ByteDance direct"), "slots")["slots"][0]
    assert slot["trouble"].startswith("Image 1 has 48,000,000 pixels")
    assert slot["shrink"] == "Make it smaller"


def test_the_usual_time_says_how_long_nearly_all_take(room: Room) -> None:
    assert "≈ 4 credits ($0.02) each · usually 9 s" in said(room.open())
    known = [Usual(18.2, 40.1), Usual(9.0, 12.0)]
    assert form_words.usually(known[:1], all_known=True) == "usually 18 s (9 of 10 under 41 s)"
    assert form_words.usually(known, all_known=True) == "usually 9–18 s (9 of 10 under 41 s)"
    assert form_words.usually([Usual(2.0, 2.0)], all_known=True) == "usually 2 s"
    assert form_words.usually([*known, Usual(30.0)], all_known=True) == "usually 9–30 s"


# Earlier prompts ------------------------------------------------------------------------------------------------


def test_earlier_prompts_come_to_the_field_newest_first_and_a_press_adds_to_them(room: Room) -> None:
    for prompt in ("one", "two", "one"):
        room.ask(prompt)
    room.ask("of somebody else", person="bob")
    app = room.open()
    assert drawn(app, "recall")["prompts"] == ["one", "two"]
    before = drawn(app, "recall")["version"]
    press(write(app, "three"))
    assert drawn(app, "recall")["prompts"] == ["three", "one", "two"]
    assert drawn(app, "recall")["version"] != before


# Templates ------------------------------------------------------------------------------------------------------


def use(app: AppTest, room: Room, prompt: str = PROMPT, **settings: Any) -> AppTest:
    """What a press on Use in the list does."""
    made = Templates(room.db).save("local", "On a ground", prompt, settings, team=False)
    app.session_state["fill"] = {"prompt": made.prompt, "params": {}, "references": None, "template": made}
    return app.run()


def blank(app: AppTest, name: str) -> Any:
    (field,) = [one for one in app.text_input if str(one.key).startswith("blank_") and one.label == name]
    return field


def test_an_empty_blank_is_the_reason_on_the_button_and_what_is_asked_has_it_filled(room: Room) -> None:
    app = use(room.open(), room, choice=[DREAM], count=2, wanted={"aspect_ratio": "16:9"})
    assert (label(app), generate(app).disabled) == ("Fill in: subject and ground", True)
    assert (app.session_state["chosen"], app.segmented_control(key="count").value) == ([DREAM], 2)
    blank(app, "subject").set_value("kite").run()
    assert label(app) == "Fill in: ground"
    blank(app, "ground").set_value("marble").run()
    assert "Asked for: A kite on marble" in said(app)
    press(app)
    assert [task.prompt for task in room.all_tasks()] == ["A kite on marble"] * 2
    assert app.text_area(key="prompt").value == PROMPT
    assert [one.uses for one in Templates(room.db).visible("local")] == [1]


def test_braces_that_are_no_templates_are_sent_to_the_letter(room: Room) -> None:
    press(write(room.open(), PROMPT))
    assert [task.prompt for task in room.all_tasks()] == [PROMPT]


def test_a_template_can_be_let_go_and_leaves_its_filled_text(room: Room) -> None:
    app = use(room.open(), room)
    blank(app, "subject").set_value("kite").run()
    app.button(key="plain").click().run()
    assert app.text_area(key="prompt").value == "A kite on {ground}"
    assert not generate(app).disabled
    assert not [one for one in app.text_input if str(one.key).startswith("blank_")]


def test_blanks_and_what_stands_in_them_are_there_after_a_reload(room: Room) -> None:
    app = use(room.open(), room)
    blank(app, "subject").set_value("kite").run()
    assert blank(room.open(), "subject").value == "kite"
    assert label(room.open()) == "Fill in: ground"


def test_what_else_fills_the_form_takes_the_template_out_of_it(room: Room) -> None:
    app = use(room.open(), room)
    app.pills(key="example").set_value("Isometric icon").run()
    assert not generate(app).disabled
    assert not [one for one in app.text_input if str(one.key).startswith("blank_")]


def test_the_prompt_in_the_form_becomes_a_template_with_its_settings(room: Room) -> None:
    app = write(choose(room.open(), DREAM), PROMPT)
    app.button(key="templates_open").click().run()
    assert "No templates yet." in drawn(app, "templates")["words"]["empty"]
    save = app.button(key="template_save")
    assert (save.label, save.disabled) == ("Give it a name", True)
    app.text_input(key="template_name").set_value("On a ground").run()
    app.toggle(key="template_team").set_value(True)
    app.button(key="template_save").click().run()
    (made,) = Templates(room.db).visible("bob")
    assert (made.name, made.prompt, made.settings["choice"]) == ("On a ground", PROMPT, [DREAM])
    (item,) = drawn(app, "templates")["items"]
    assert (item["parts"], item["own"]) == (["A ", "{subject}", " on ", "{ground}", ""], True)
    assert item["facts"] == "yours · for the team · not used yet"


def test_a_template_of_somebody_else_says_whose_it_is_and_offers_no_change(room: Room) -> None:
    Templates(room.db).save("bob", "His", PROMPT, {}, team=True)
    app = room.open()
    app.button(key="templates_open").click().run()
    (item,) = drawn(app, "templates")["items"]
    assert (item["facts"], item["own"]) == ("bob · for the team · not used yet", False)


def test_a_deleted_template_stays_in_the_open_list_with_its_undo(room: Room, state: dict[str, Any]) -> None:
    made = Templates(room.db).save("local", "Mine", PROMPT, {}, team=False)
    state |= {"templates_gone": [], "templates_said": ""}
    templates._act("delete", made.id, "local")
    (gone,) = Templates(room.db).visible("local", state["templates_gone"])
    assert templates._item(gone, "local")["deleted"] == "“Mine” is deleted."
    templates._act("restore", made.id, "local")
    (back,) = Templates(room.db).visible("local")
    assert templates._item(back, "local")["deleted"] is None


def test_an_edited_template_is_as_it_was_after_undo(room: Room, state: dict[str, Any]) -> None:
    made = Templates(room.db).save("local", "Mine", PROMPT, {}, team=False)
    keys = {"name": "n", "prompt": "p", "team": "t"}
    state |= {"n": "Other", "p": "a {thing}", "t": True, "templates_said": "", "template_edited": made.id}
    templates._change(made.id, keys, "local")
    assert [one.name for one in Templates(room.db).visible("bob")] == ["Other"]
    templates._undo("local")
    (now,) = Templates(room.db).visible("local")
    assert (now.name, now.prompt, now.team) == ("Mine", PROMPT, False)


# Pictures to take from ------------------------------------------------------------------------------------------


def test_a_person_without_pictures_starts_from_the_teams(room: Room) -> None:
    room.ask("a red kite", person="bob")
    room.done()
    app = room.open()
    (item,) = drawn(app, "shelf")["items"]
    assert (item["prompt"], item["note"]) == ("a red kite", "Nano Banana")
    assert words.EMPTY_TITLE not in said(app)
    room.ask("my own")
    assert drawn(room.open(), "shelf") == {}
    assert len(cards(room.open())) == 1


def test_references_are_found_in_history_by_their_words(room: Room) -> None:
    room.ask("a red kite", person="bob")
    room.done(2)
    room.ask("a blue boat", person="bob")
    room.done()  # the very same file as the first kite's, and so here once
    room.ask("a kite that never came")
    app = room.open()
    app.button(key="from_history").click().run()
    assert [one["prompt"] for one in drawn(app, "chooser")["items"]] == ["a blue boat", "a red kite"]
    app.text_input(key="chooser_text").set_value("kite").run()
    assert [one["prompt"] for one in drawn(app, "chooser")["items"]] == ["a red kite", "a red kite"]
    app.text_input(key="chooser_text").set_value("zebra").run()
    assert (drawn(app, "chooser")["items"], drawn(app, "chooser")["empty"]) == (
        [], "No picture of your team fits these words.",
    )  # fmt: skip
    app.button(key="chooser_done").click().run()
    assert drawn(app, "chooser") == {}


def test_no_more_is_taken_from_history_than_the_model_takes_and_it_is_put_back(
    room: Room, state: dict[str, Any]
) -> None:
    images = {name: StoredImage(name, "image/png", 64, 64, 9, f"{name}.png") for name in "abc"}
    state["chooser_page"] = None, images
    for name in "abc":
        chooser._act("pick", name, 2)
    assert [image.sha256 for image in state["references"]] == ["a", "b"]
    for name in ("a", "c", "unknown"):
        chooser._act("pick", name, 2)
    assert [image.sha256 for image in state["references"]] == ["b", "c"]


def test_a_picture_from_history_goes_out_as_a_reference_like_an_upload(room: Room) -> None:
    room.ask("a red kite")
    room.done()
    app = room.open()
    app.button(key="from_history").click().run()
    taken = app.session_state["chooser_page"][1]
    app.session_state["references"] = list(taken.values())
    app.session_state["choosing"] = False
    press(write(app.run(), "as a drawing"))
    (task,) = [task for task in room.all_tasks() if task.prompt == "as a drawing"]
    assert [row.sha256 for row in room.history.detail(task.id).inputs] == list(taken)
    assert drawn(app, "slots")["slots"][0]["name"].startswith("a-red-kite_")


# The button's reasons -------------------------------------------------------------------------------------------


def test_a_budget_too_small_for_one_more_says_so_and_whoever_set_it_is_named_when_it_is_used_up(room: Room) -> None:
    room.ledger.set_budget(TEAM, 3_000_000, who="bob")
    app = write(room.open(), "a red kite")
    assert "Team budget: 3 credits ($0.015) left this month: too little for one more" in said(app)
    room.ledger.set_budget(TEAM, 0, who="bob")
    assert label(app.run()) == "Team budget is spent – bob can raise it"


@pytest.mark.parametrize("act", ["retry", "retry_failed", "stop_again"])
def test_a_card_asks_for_nothing_anew_while_the_catalogue_is_halted(
    room: Room, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    task = room.ask("a red kite")
    room.fail()
    monkeypatch.setattr("dashboard.components.server.look", lambda: About(halt="line 3"))
    with pytest.raises(NotAllowed) as refused:
        acts._ask_the_store(act, task.id, "local")
    assert refused.value.sentence == words.HALTED_PRESS
    assert len(room.all_tasks()) == 1


def test_a_dropped_file_is_named_with_what_was_done_to_it(room: Room) -> None:
    app = room.open()
    app.file_uploader[0].set_value([("phone.jpg", pictures.phone_jpeg(), "image/jpeg")]).run()
    assert "rotated upright" in drawn(app, "slots")["slots"][0]["note"]
