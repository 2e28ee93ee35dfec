"""The table in an archive promises: it opens in Excel, in any script, and no cell of it is ever run."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.history import Card, Picture
from data.manifest import COLUMNS, Line, manifest
from data.status import TaskStatus

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
NAMES = {"https://id|7": "Ann"}
PICTURE = Picture("ab" * 32, "image/png", 1024, 768, 2_000_000)


def card(prompt: str = "a kite", **params: object) -> Card:
    return Card(
        "t1", 1, "b1", "ann", "google/nano-banana", prompt, params, TaskStatus.SUCCEEDED, NOW, NOW, NOW, None, None,
        1, None, None, 4_000_000, 4_500_000, 4_500_000, "Spring", (PICTURE,),
    )  # fmt: skip


def rows(*lines: Line) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(manifest(lines, NAMES).decode("utf-8-sig"), newline="")))


def test_excel_reads_chinese_because_a_mark_says_that_it_is_utf_8() -> None:
    raw = manifest([Line(card("红色的风筝"), PICTURE, "a.png")], NAMES)
    assert raw.startswith(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n")
    assert "红色的风筝" in raw.decode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_a_prompt_that_looks_like_a_formula_is_text(start: str) -> None:
    prompt = f'{start}HYPERLINK("http://evil","x")'
    assert rows(Line(card(prompt), PICTURE, "a.png"))[0]["prompt"] == f"'{prompt}"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.text(max_size=9), st.integers())
def test_whatever_is_asked_comes_back_and_no_cell_begins_like_a_formula(prompt: str, text: str, seed: int) -> None:
    (row,) = rows(Line(card(prompt, style=text, seed=seed), PICTURE, "a.png"))
    assert row["prompt"].removeprefix("'") == prompt.removeprefix("'")
    assert row["seed"] == str(seed)
    assert not any(cell.startswith(("=", "+", "-", "@")) for name, cell in row.items() if name != "seed")


def test_what_was_left_out_says_why_and_what_was_paid_stands_once() -> None:
    lines = rows(
        Line(card(), PICTURE, "a.png"), Line(card(), PICTURE, "b.png", pays=False), Line(card(), None, "", "No.")
    )
    assert [line["credits"] for line in lines] == ["4.5", "", "4.5"]
    assert {line["project"] for line in lines} == {"Spring"}
    assert [line["left_out_because"] for line in lines] == ["", "", "No."]


def test_who_signed_in_has_that_name_and_who_did_not_the_id() -> None:
    line = Line(card(), PICTURE, "a.png", picked_by="https://id|7")
    lines = rows(line, Line(replace(card(), person="https://id|8"), PICTURE, "b.png"))
    assert [(line["person"], line["picked_by"]) for line in lines] == [("ann", "Ann"), ("8", "")]
