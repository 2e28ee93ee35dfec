"""The language of the search field: one text for each query, and no text that is refused."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.query import PARTS, QUOTES, SORTS, STATUSES, Choice, Query, Word
from data.query_reading import Names, read

NAMES = Names(
    ("ann@example.com", "anton", "王伟"),
    ("google/nano-banana", "old/model"),
    ("poster", "red car"),
    {"spring": "Spring"},
)

TEXTS = st.text(st.one_of(st.characters(), st.sampled_from(f" -:：.<>=猫熊aé'{QUOTES}")), max_size=12)
WORDS = st.lists(st.builds(Word, TEXTS, st.booleans()), max_size=3).map(tuple)
CHOICES = st.builds(Choice, *[st.lists(TEXTS, max_size=3).map(tuple)] * 2)
STATES = st.builds(Choice, *[st.lists(st.sampled_from([*STATUSES, "no such"]), max_size=3).map(tuple)] * 2)
MONEY = st.none() | st.integers() | st.integers(0, 30).map(lambda whole: whole * 1_000_000)
QUERIES = st.builds(
    Query, words=WORDS, without=WORDS, model=CHOICES, by=CHOICES, status=STATES, project=CHOICES, tag=CHOICES,
    cause=CHOICES,
    cost_above=MONEY, cost_below=MONEY, after=st.none() | st.dates(), before=st.none() | st.dates(),
    last=st.none() | st.integers(), star=st.none() | st.booleans(), pick=st.none() | st.booleans(),
    sort=st.sampled_from([*SORTS, "no such"]),
)  # fmt: skip
PIECES = st.sampled_from((
    "model:", "-by:", "status：", "cost:>=", "cost:", "after:", "star:", "pick:", "project:", "tag:",
    "2026-11", "2026-13", "1e9", "..",
    "4.5", '"', "“", "-", "－", " ", "red", "猫", "failed", "yes", "http://x", "16:9", "\0", "\ud800",
))  # fmt: skip


@given(QUERIES)
@settings(max_examples=300, deadline=None)
def test_every_query_is_read_back_from_its_own_text(query: Query) -> None:
    reading = read(query.text)
    assert (reading.query, reading.hints) == (query, ())
    assert reading.query.text == query.text


@given(st.lists(PIECES | TEXTS, max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_whatever_is_typed_is_read_and_what_is_left_out_is_said(text: str) -> None:
    reading = read(text, NAMES)
    assert read(reading.query.text).query == reading.query
    assert all(hint.sentence and hint.piece in text for hint in reading.hints)
    reading.query.text.encode()


@given(QUERIES)
@settings(max_examples=100, deadline=None)
def test_a_query_is_its_parts(query: Query) -> None:
    bare = replace(query, sort="")  # an order leaves nothing out
    for part in query.parts:
        bare = bare.lacking(part)
        assert part not in bare.parts
    assert (bare, bool(bare)) == (Query(), False)
    assert set(query.parts) <= PARTS.keys()


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("  red   kite ", "red kite"),
        ('model:seedream by:ANN "red car" status:failed cost:>10',
         '"red car" model:seedream by:ann@example.com status:failed cost:>10'),
        ("-tag:Poster -“old car” -fog", '-"old car" -fog -tag:poster'),
        ("by:ME status:completed status:pending", "by:me status:done status:queued"),
        ("cost:10..20", "cost:>=10 cost:<=20"),
        ("cost:4 cost:<4,5", "cost:>=4 cost:<4.5"),
        ("cost:4.50", "cost:4.5"),
        ("after:2026-03 before:2026", "after:2026-03-01 before:2026-01-01"),
        ("star:no -star:no", "star:yes"),
        ("-pick:yes project:SPRING -project:none", "project:spring -project:none pick:no"),
        ("status：failed 熊猫 16:9", '熊猫 "16:9" status:failed'),
        ("model:nano by:anto", "model:nano by:anton"),
        ("last:7D cause:POLICY last:30", "cause:policy last:30d"),
        ("kite sort:COST sort:oldest", "kite sort:oldest"),
        ("sort:cost sort:newest", ""),
        ('"never closed', '"never closed"'),
    ],
)  # fmt: skip
def test_there_is_one_way_to_say_it(typed: str, canonical: str) -> None:
    reading = read(typed, NAMES)
    assert (reading.query.text, reading.hints) == (canonical, ())


@pytest.mark.parametrize(
    ("typed", "kept", "says"),
    [
        ("colour:red kite", "kite", "There is no filter “colour:”"),
        ("model: kite", "kite", "needs a value"),
        ("model:nobody kite", "kite", "No model is called “nobody”"),
        ("by:zoe kite", "kite", "Nobody called “zoe”"),
        ("tag:blue kite", "kite", "No picture has the tag “blue”"),
        ("project:autumn kite", "kite", "There is no project “autumn”"),
        ("pick:bright kite", "kite", "pick:yes"),
        ("status:happy kite", "kite", "There are done, running,"),
        ("cost:cheap kite", "kite", "cost:>10"),
        ("before:yesterday kite", "kite", "2026-11-27"),
        ("before:2026-02-30 kite", "kite", "2026-11-27"),
        ("star:bright kite", "kite", "star:yes"),
        ("last:week kite", "kite", "last:7d"),
        ("cause:rain kite", "kite", "Nothing fails by “rain”"),
        ("-cost:>4 kite", "kite", "cannot be turned round"),
        ("!? kite", "kite", "Punctuation alone"),
        ("kite " * 40, "kite", "Only the first"),
    ],
)
def test_what_cannot_be_followed_is_left_out_with_a_hint(typed: str, kept: str, says: str) -> None:
    reading = read(typed, NAMES)
    assert reading.query.text == kept
    assert says in reading.hints[0].sentence


def test_pills_and_typing_make_the_same_query() -> None:
    pills = Query(status=Choice(("failed",)), model=Choice(("seedream", "nano-banana")), after=date(2026, 11, 1))
    assert read("after:2026-11-01 model:nano-banana status:error model:SeeDream").query == pills
