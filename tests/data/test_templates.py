"""Prompts with blanks, kept under a name."""

from datetime import timedelta

import pytest
from stores import Stores

from data.errors import NotAllowed
from data.templates import KEPT_FOR, Templates, filled, slots

PROMPT = "A {subject} on {ground}, {subject} in the middle, {{not}} { light }"


@pytest.fixture
def templates(stores: Stores) -> Templates:
    return Templates(stores.db, stores.clock)


def names(templates: Templates, person: str) -> list[str]:
    return [one.name for one in templates.visible(person)]


def test_blanks_are_found_once_each_and_filled_everywhere() -> None:
    assert slots(PROMPT) == ("subject", "ground", "not", "light")
    values = {"subject": " kite ", "light": "{ground}", "ground": ""}
    assert filled(PROMPT, values) == "A kite on {ground}, kite in the middle, {{not}} {ground}"
    assert slots("no {} blanks {\n} here") == ()


def test_everybody_sees_their_own_templates_and_the_teams(templates: Templates) -> None:
    for person, name, team in [("ann", "mine", False), ("ann", "Ours", True), ("bob", "his", False)]:
        templates.save(person, name, PROMPT, {"count": 2}, team=team)
    assert (names(templates, "ann"), names(templates, "bob")) == (["mine", "Ours"], ["his", "Ours"])
    assert templates.visible("bob")[1].settings == {"count": 2}


def test_where_there_are_too_many_ones_own_are_seen_first(
    templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.templates.MOST", 3)
    for person, name in [("bob", "a"), ("bob", "b"), ("ann", "c"), ("ann", "z")]:
        templates.save(person, name, PROMPT, {}, team=True)
    assert (names(templates, "ann"), names(templates, "bob")) == (["c", "z", "a"], ["a", "b", "c"])


def test_only_its_owner_changes_or_deletes_a_template(templates: Templates) -> None:
    made = templates.save("ann", "Ours", PROMPT, {}, team=True)
    with pytest.raises(NotAllowed):
        templates.change(made.id, who="bob", name="His", prompt="x", team=True)
    with pytest.raises(NotAllowed):
        templates.delete(made.id, who="bob")
    assert names(templates, "bob") == ["Ours"]


def test_a_changed_template_goes_back_to_what_it_was(templates: Templates) -> None:
    made = templates.save("ann", "Ours", PROMPT, {"count": 2}, team=True)
    before = templates.change(made.id, who="ann", name="Other", prompt="a {thing}", team=False)
    assert names(templates, "bob") == []
    templates.change(made.id, who="ann", **before)
    (now,) = templates.visible("bob")
    assert (now.name, now.prompt, now.settings) == ("Ours", PROMPT, {"count": 2})


def test_a_deleted_template_comes_back_by_undo_and_is_gone_after_30_days(stores: Stores, templates: Templates) -> None:
    made = templates.save("ann", "Ours", PROMPT, {}, team=True)
    templates.delete(made.id, who="ann")
    assert (names(templates, "ann"), names(templates, "bob")) == ([], [])
    assert [one.id for one in templates.visible("ann", [made.id])] == [made.id]
    assert templates.visible("bob", [made.id]) == ()
    templates.restore(made.id, who="ann")
    assert names(templates, "bob") == ["Ours"]
    templates.delete(made.id, who="ann")
    stores.clock.forward(seconds=(KEPT_FOR + timedelta(days=1)).total_seconds())
    templates.delete(templates.save("ann", "another", PROMPT, {}, team=False).id, who="ann")
    with pytest.raises(NotAllowed):
        templates.restore(made.id, who="ann")


@pytest.mark.parametrize(("name", "prompt"), [(" ", "x"), ("x" * 61, "x"), ("x", " \n"), ("x", "x" * 20_001)])
def test_a_template_without_name_or_text_or_with_too_long_ones_is_not_saved(
    templates: Templates, name: str, prompt: str
) -> None:
    with pytest.raises(NotAllowed, match="Nothing was saved"):
        templates.save("ann", name, prompt, {}, team=False)
    assert names(templates, "ann") == []


def test_a_press_with_a_template_is_counted_and_one_with_a_vanished_template_harms_nobody(templates: Templates) -> None:
    made = templates.save("ann", "Ours", PROMPT, {}, team=True)
    templates.used(made.id)
    templates.used("gone")
    assert [one.uses for one in templates.visible("ann")] == [1]
