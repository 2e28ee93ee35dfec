"""The table that lies in an archive beside its pictures: a line for each file, and for each that had to be left out.

It is for spreadsheets and programs: the column names are fixed and English, credits add up to what was paid.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from data.history import Card, Picture
from data.money import format_credits

COLUMNS = (
    "file", "left_out_because", "task_id", "batch_id", "person", "model", "prompt", "settings", "seed", "bytes",
    "width", "height", "video_seconds", "credits", "created_at", "finished_at", "sha256", "original_sha256", "project",
    "picked_by",
)  # fmt: skip

_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"  # without it Excel takes UTF-8 for the machine's old code page
# What a spreadsheet takes for the start of a formula, the full-width forms of East Asian settings included.
_FORMULAS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@dataclass(frozen=True)
class Line:
    """One file of a task, `name` in the archive; or why there is none. `pays`: the task's credits stand here.

    `picked_by`: who picked the task for the team, if anybody did. `size` (bytes) and `sha256` are those of the file in
    the archive, which is not the original where it is a copy.
    """

    card: Card
    picture: Picture | None
    name: str = ""
    reason: str = ""
    pays: bool = True
    picked_by: str = ""
    size: int = 0
    sha256: str = ""


def manifest(lines: Iterable[Line], names: Mapping[str, str]) -> bytes:
    """CSV in UTF-8 with a byte order mark and CRLF, as Excel expects it (RFC 4180 otherwise). `names`: as `called`."""
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    out.write(_MARK)
    rows.writerow(COLUMNS)
    rows.writerows(_cells(line, names) for line in lines)
    return out.getvalue().encode("utf-8", "replace")


def inert(text: str) -> str:
    """A cell's text that no spreadsheet runs: what looks like a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def called(person: str, names: Mapping[str, str]) -> str:
    """What tables for other programs call a person, the same in all of them and in every language.

    The name that somebody signed in by, `names` by id; else the id without its issuer, such as "local" and "api".
    """
    return names.get(person) or person.rpartition("|")[2]


def _cells(line: Line, names: Mapping[str, str]) -> tuple[str | int, ...]:
    card, picture = line.card, line.picture
    settings = json.dumps(card.params, ensure_ascii=False, sort_keys=True)
    seed = card.params.get("seed", "")
    texts = (
        line.name,
        line.reason,
        card.id,
        card.batch_id,
        called(card.person, names),
        card.model,
        card.prompt,
        settings,
    )
    facts: tuple[str | int, ...] = ("", "", "", "")
    if picture is not None:
        seconds = "" if picture.duration_ms is None else f"{picture.duration_ms / 1000:g}"
        facts = (line.size if line.name else "", picture.width, picture.height, seconds)
    ends = (_time(card.created_at), _time(card.finished_at), line.sha256 if line.name else "",
            "" if picture is None else picture.sha256)  # fmt: skip
    belongs = (inert(card.project or ""), inert(called(line.picked_by, names)))
    paid = format_credits(card.charged_micro) if line.pays else ""
    return (*map(inert, texts), seed if isinstance(seed, int) else inert(str(seed)), *facts, paid, *ends, *belongs)


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")
