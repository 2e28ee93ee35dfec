"""What a person pasted or uploaded, as the lines of a batch. Pure: it knows no model and judges only the form.

A file is taken for UTF-8 or UTF-16 if it says so or can be nothing else. What is neither counts as GB18030, in which
Chinese spreadsheets are saved, only if nearly all of it are common Chinese characters: nearly every file can be read
as GB18030, and a French one would come out as Chinese that nobody wrote, and be paid for.
"""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from data.errors import InvalidRequest
from data.sentences import Sentence

MOST_BYTES = 2_000_000
"""Of a file: five hundred of the longest prompts that people write."""
MOST_LINES = 5_000
"""That are read; far more than one batch may have, so that it can be said how many there are."""
PROMPT, MODEL, RATIO, REPEAT, PROJECT = "prompt", "model", "ratio", "repeat", "project"
_COLUMNS = {
    "prompt": PROMPT, "提示词": PROMPT, "model": MODEL, "模型": MODEL, "ratio": RATIO, "shape": RATIO,
    "aspect_ratio": RATIO, "比例": RATIO, "形状": RATIO, "repeat": REPEAT, "count": REPEAT, "次数": REPEAT,
    "数量": REPEAT, "project": PROJECT, "项目": PROJECT,
}  # fmt: skip
_COMMON = 0.95
"""The share of Chinese characters that must be common ones."""


@dataclass(frozen=True)
class Line:
    """One line of a list, or one row of a table; what a cell leaves empty is not said."""

    number: int  # as an editor or a spreadsheet counts, from 1
    prompt: str
    model: str = ""
    ratio: str = ""
    repeat: str = ""
    settings: tuple[tuple[str, str], ...] = ()  # by name
    project: str = ""

    @property
    def said(self) -> tuple[object, ...]:
        """What makes it the same as another."""
        return " ".join(self.prompt.split()), self.model, self.ratio, self.repeat, self.project, self.settings


@dataclass(frozen=True)
class Lines:
    """All of them, and what was left out."""

    lines: tuple[Line, ...] = ()
    blank: int = 0
    twice: tuple[int, ...] = ()  # numbers of those that say what an earlier one says
    unknown: tuple[str, ...] = ()  # columns that mean nothing here
    missing: str = ""  # why it cannot be read as a table: a sentence


def pasted(text: str) -> Lines:
    """One prompt a line."""
    lines = [Line(number, line.strip()) for number, line in enumerate(text.splitlines()[:MOST_LINES], start=1)]
    return _without_repeats(lines)


def decoded(data: bytes) -> str:
    """The text of a file. Raises InvalidRequest (`file`)."""
    if len(data) > MOST_BYTES:
        raise _unusable(Sentence("The file is larger than {most} MB. Split it.", most=f"{MOST_BYTES / 1e6:g}"))
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and (encoding != "gb18030" or _is_chinese(text)):
            return text.removeprefix("\ufeff")
    raise _unusable(Sentence("It cannot be told in which encoding this file is. Save it as CSV in UTF-8."))


def table(text: str, settings: Collection[str] = ()) -> Lines:
    """A CSV file with a header: prompts, perhaps model, ratio, repeat and project, and `settings` by their names."""
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False)
        header = next(rows, [])
        columns = {place: name for place, cell in enumerate(header) if (name := _column(cell, settings)) is not None}
        if PROMPT not in columns.values():
            return Lines(missing=Sentence("The first line must name the columns, and one of them must be “prompt”."))
        unknown = tuple(cell.strip() for place, cell in enumerate(header) if place not in columns and cell.strip())
        lines = []
        for cells in rows:
            lines.append(_row(rows.line_num, cells, columns))
            if len(lines) == MOST_LINES:
                break
    except csv.Error as error:
        return Lines(missing=Sentence("This is no CSV file that can be read: {error}.", error=str(error)))
    found = _without_repeats(lines)
    return Lines(found.lines, found.blank, found.twice, unknown)


def _row(number: int, cells: list[str], columns: Mapping[int, str]) -> Line:
    told = {name: cells[place].strip() for place, name in columns.items() if place < len(cells)}
    prompt, model, ratio, repeat, project = (told.pop(name, "") for name in (PROMPT, MODEL, RATIO, REPEAT, PROJECT))
    settings = tuple((name, cell) for name, cell in told.items() if cell)
    return Line(number, prompt, model, ratio, repeat, settings, project)


def _without_repeats(lines: list[Line]) -> Lines:
    kept: dict[tuple[object, ...], Line] = {}
    blank, twice = 0, []
    for line in lines:
        if not line.prompt and not (line.model or line.ratio or line.repeat or line.project or line.settings):
            blank += 1
        elif line.said in kept:
            twice.append(line.number)
        else:
            kept[line.said] = line
    return Lines(tuple(kept.values()), blank, tuple(twice))


def _column(cell: str, settings: Collection[str]) -> str | None:
    name = "_".join(cell.strip().casefold().replace("-", " ").split())
    return _COLUMNS.get(name) or (name if name in settings else None)


def _delimiter(text: str) -> str:
    """A spreadsheet takes what its country takes: the header tells, for a prompt may hold any of them."""
    header = text.partition("\n")[0]
    return max(",;\t", key=lambda sign: (header.count(sign), sign == ","))


def _encodings(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if data.startswith(b"\xef\xbb\xbf"):
        return ("utf-8-sig",)
    if data[1:2] == b"\0" and data[:1] != b"\0":
        return ("utf-16-le",)
    if data[:1] == b"\0":
        return ("utf-16-be",)
    return "utf-8", "gb18030"


def _is_chinese(text: str) -> bool:
    """GB 2312 holds the 6,763 characters that nearly all Chinese texts are written with, and their punctuation."""
    foreign = [char for char in text if not char.isascii()]
    common = sum(_fits(char, "gb2312") for char in foreign)
    return common >= _COMMON * len(foreign)


def _fits(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _unusable(sentence: Sentence) -> InvalidRequest:
    return InvalidRequest(sentence, field="file", code="unreadable")
