"""What the lines of a batch ask for: each by each model and shape, and in red what would be refused."""

from datetime import date

import pytest
from stores import picture

from dashboard.components.batch_rows import Beside, Review, review
from dashboard.components.server import About
from data.batch_text import Lines, pasted, table
from data.catalog import catalog

NANO, DREAM = "Nano Banana", "Seedream 4.5"
TODAY = date(2026, 11, 27)
SETTINGS = {param.name for spec in catalog().models for param in spec.params}


def judged(lines: Lines, **beside: object) -> Review:
    return review(lines, Beside(**({"models": (NANO,)} | beside)), catalog(), About(), TODAY)  # type: ignore[arg-type]


def csv(text: str, **beside: object) -> Review:
    return judged(table(text, SETTINGS), **beside)


def test_every_prompt_is_asked_of_every_model_in_every_shape_so_many_times() -> None:
    found = judged(pasted("kite\nboat"), models=(NANO, DREAM), shapes=("1:1", "16:9"), repeat=3)
    assert [(row.prompt, row.model, row.shape, row.count) for row in found.rows[:4]] == [
        ("kite", NANO, "1:1", 3), ("kite", NANO, "16:9", 3), ("kite", DREAM, "1:1", 3), ("kite", DREAM, "16:9", 3),
    ]  # fmt: skip
    assert (found.pictures, found.prompts, found.faulty) == (24, 2, ())
    assert found.price == 2 * 2 * 3 * (4_000_000 + 6_500_000)
    asked = found.requests()
    assert [request.prompt for request in asked] == ["kite"] * 12 + ["boat"] * 12
    assert {request.params["aspect_ratio"] for request in asked} == {"1:1", "16:9"}


def test_what_a_row_does_not_say_is_as_in_the_form() -> None:
    found = csv("prompt,model,ratio,repeat\nkite,,,\nboat,seedream 4.5,3:4,2\n", wanted={"aspect_ratio": "16:9"})
    assert [(row.model, row.shape, row.count) for row in found.rows] == [(NANO, "16:9", 1), (DREAM, "3:4", 2)]


def test_a_model_may_be_called_by_its_id() -> None:
    (row,) = csv("prompt,model\nkite,google/nano-banana\n").rows
    assert (row.model, row.fault) == (NANO, "")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("kite,Nano Bananna,,,", "No model is called “Nano Bananna”. Did you mean Nano Banana?"),
        ("kite,zzzzzzzz,,,", "No model is called “zzzzzzzz”."),
        ("kite,,7:3,,", "“7:3” does not fit “Shape” of Nano Banana: "),
        ("kite,,,many,", "“many” is no number of repeats. It is a whole number from 1 to 500."),
        ("kite,,,0,", "“0” is no number of repeats."),
        ("kite,,,,2K", "Nano Banana has no setting “quality”. It has "),
        (",Seedream 4.5,,,", "The prompt is empty."),
        (f"{'kite ' * 4000},Seedream 4.5,,,", "takes a prompt of at most"),
    ],
)
def test_a_row_that_would_be_refused_says_why_before_anything_is_spent(row: str, says: str) -> None:
    found = csv(f"prompt,model,ratio,repeat,quality\n{row}\nboat,,,,\n")
    (faulty,) = found.faulty
    assert says in faulty.fault
    assert (faulty.line, [good.prompt for good in found.good]) == (2, ["boat"])


def test_a_shape_that_one_of_the_models_lacks_is_no_other_shape_there() -> None:
    found = judged(pasted("kite"), models=(NANO, "Seedream 4"), shapes=("4:5",))
    assert [(row.model, bool(row.fault)) for row in found.rows] == [(NANO, False), ("Seedream 4", True)]


def test_settings_are_read_by_what_people_read_and_by_their_own_values() -> None:
    text = "prompt,model,quality,output_format,seed,safety_filter\n"
    text += "kite,nano banana pro,4k,JPEG,,\nboat,Seedream 4,,,7,no\n"
    asked = [row.request.params for row in csv(text).good if row.request is not None]
    assert (asked[0]["quality"], asked[0]["output_format"]) == ("4K", "jpeg")
    assert (asked[1]["seed"], asked[1]["safety_filter"]) == (7, False)
    (row,) = csv("prompt,model,seed\nkite,Seedream 4,seven\n").rows
    assert row.fault == "“seven” does not fit “Seed” of Seedream 4."


def test_the_forms_references_go_with_each_model_that_takes_them() -> None:
    found = judged(pasted("kite"), references=(picture(),))
    (row,) = found.good
    assert row.request is not None
    assert (row.request.model, len(row.request.references)) == ("google/nano-banana-edit", 1)


def test_a_price_that_nobody_knows_is_not_counted_as_nothing() -> None:
    found = judged(pasted("kite"), models=(NANO, "Veo 3.1 Lite"))
    assert (found.price, found.known_price, found.unpriced) == (None, 4_000_000, 1)
