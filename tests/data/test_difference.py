"""What differs between two pictures: whatever the texts, the way from one to the other is exact, and short to read."""

import random
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.difference import EDITS, Change, changes, pieces, words

PARTS = ["a", "red", "kite", "don’t", "4.5", "16:9", "风", "筝", "カ", "é", "e\u0301", "👩\u200d🎨", "，", "."]
PROMPTS = st.lists(st.sampled_from([*PARTS, " ", "\n"])).map("".join) | st.text(max_size=60)
PHRASES = st.lists(st.sampled_from(PARTS), min_size=1).map(" ".join)
FACTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3))


def told(a: str, b: str) -> str:
    """The way as a person reads it: "a [-red-]{+blue+} kite"."""
    signs = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(signs[piece.kind].format(piece.text) for piece in pieces(a, b))


@settings(deadline=None)
@given(PROMPTS, PROMPTS)
def test_the_way_applied_to_the_first_prompt_gives_the_second(a: str, b: str) -> None:
    way = pieces(a, b)
    assert "".join(piece.text for piece in way if piece.kind != "new") == a
    assert "".join(piece.text for piece in way if piece.kind != "gone") == b


@settings(deadline=None)
@given(PROMPTS, PROMPTS)
def test_no_two_neighbours_are_of_one_kind_and_none_is_empty(a: str, b: str) -> None:
    kinds = [piece.kind for piece in pieces(a, b)]
    assert {("same", "same"), ("gone", "gone"), ("new", "new"), ("new", "gone")}.isdisjoint(pairwise(kinds))
    assert all(piece.text for piece in pieces(a, b))
    assert (kinds in ([], ["same"])) == (a == b)


@settings(deadline=None)
@given(PHRASES, PHRASES, PHRASES)
def test_what_was_put_between_two_phrases_is_all_that_differs(a: str, b: str, c: str) -> None:
    way = pieces(f"{a} {b}", f"{a} {c} {b}")
    assert {piece.kind for piece in way} == {"same", "new"}
    assert sum(len(piece.text) for piece in way if piece.kind == "new") == len(c) + 1
    back = pieces(f"{a} {c} {b}", f"{a} {b}")
    assert {piece.kind for piece in back} == {"same", "gone"}


@settings(deadline=None)
@given(PROMPTS)
def test_words_lose_nothing(text: str) -> None:
    assert "".join(words(text)) == text
    assert all(words(text))


@pytest.mark.parametrize(
    ("a", "b", "way"),
    [
        ("a red kite", "a blue kite", "a [-red-]{+blue+} kite"),
        ("a kite", "a kite, at dusk", "a kite{+, at dusk+}"),
        ("an old harbour at noon", "an old ship at noon", "an old [-harbour-]{+ship+} at noon"),
        ("one tiny red kite", "one large blue kite", "one [-tiny red-]{+large blue+} kite"),
        ("红色的风筝飞过沙丘", "蓝色的风筝飞过高高的沙丘", "[-红-]{+蓝+}色的风筝飞过{+高高的+}沙丘"),
        ("4.5 m at 16:9", "4.7 m at 4:3", "[-4.5-]{+4.7+} m at [-16:9-]{+4:3+}"),
        ("she doesn’t run", "she didn’t run", "she [-doesn’t-]{+didn’t+} run"),
        ("cafe\u0301 👩🏽‍🎨", "cafe 👩🏼‍🎨", "[-cafe\u0301 👩🏽‍🎨-]{+cafe 👩🏼‍🎨+}"),
        ("", "a kite", "{+a kite+}"),
    ],
)
def test_it_reads_word_by_word_in_any_script(a: str, b: str, way: str) -> None:
    assert told(a, b) == way


def test_a_long_rewritten_prompt_is_compared_by_its_sentences() -> None:
    kept = "Soft light from the left. "
    a, b = kept + "x " * (EDITS + 10) + ".", kept + "y " * (EDITS + 10) + "."
    first, *rest = pieces(a, b)
    assert (first.kind, first.text) == ("same", kept.rstrip())
    assert [piece.kind for piece in rest] == ["gone", "new"]


def test_no_pair_of_prompts_holds_a_page_up() -> None:
    dice, longest = random.Random(1), 20_000
    repeated = "a, " * (longest // 3)
    shuffled = ["".join(dice.choice(",;") for _ in range(longest)) for _ in range(2)]
    chinese = ["".join(chr(0x4E00 + dice.randrange(300)) for _ in range(longest)) for _ in range(2)]
    started = time.process_time()
    for a, b in [(repeated, f"{repeated[:-3]}b, "), (repeated, f"b, {repeated}"), shuffled, chinese]:
        assert "".join(piece.text for piece in pieces(a, b) if piece.kind != "gone") == b
    assert time.process_time() - started < 20  # a quadratic walk takes hours


@settings(deadline=None)
@given(FACTS, FACTS)
def test_the_changes_applied_to_the_first_facts_give_the_second(a: dict[str, int], b: dict[str, int]) -> None:
    result: dict[str, Any] = dict(a)
    for change in changes(a, b):
        assert a.get(change.name) == change.a
        result[change.name] = change.b
    assert {name: value for name, value in result.items() if value is not None} == b
    assert all(a.get(change.name) != b.get(change.name) for change in changes(a, b))


def test_a_fact_that_only_one_has_stands_where_it_stands_there() -> None:
    a, b = {"model": "x", "cost": 4}, {"model": "y", "params.quality": "2K", "cost": 5}
    assert changes(a, b) == (
        Change("model", "x", "y"), Change("params.quality", None, "2K"), Change("cost", 4, 5),
    )  # fmt: skip
