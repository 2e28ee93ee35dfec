"""What varies in a batch, and its tasks as a table of it: rows, columns, and lines for whatever else varies.

Pure: it reads no database and words nothing for people. Axes are called as the columns of a CSV file are.
"""

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PROMPT, MODEL, RATIO, REPEAT = "prompt", "model", "ratio", "repeat"
_SHAPE = "aspect_ratio"
_COLUMNS = (MODEL, RATIO)
"""What is compared side by side, before any other setting; prompts are long, and stand on rows."""


@dataclass(frozen=True)
class Asked:
    """What one task was asked for."""

    prompt: str
    model: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """One thing that varies, and its values in the order in which they were first asked for.

    A setting that a task was not asked for is None; repeats are numbered from 1.
    """

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Line:
    """One line of cells: the values of `Grid.others`, and by column the index of the task, None where none is."""

    values: tuple[Any, ...]
    cells: tuple[int | None, ...]


@dataclass(frozen=True)
class Group:
    """All lines of one value of the rows' axis; of a table without one, of None."""

    value: Any
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Grid:
    """The table. `rows` and `cols` are None where nothing stands there: then it has one row, or one column."""

    rows: Axis | None
    cols: Axis | None
    others: tuple[Axis, ...]
    groups: tuple[Group, ...]

    @property
    def width(self) -> int:
        """How many columns it has."""
        return len(self.cols.values) if self.cols else 1


def param(axis: str) -> str:
    """What the models call the setting that this axis is."""
    return _SHAPE if axis == RATIO else axis


def axes(tasks: Sequence[Asked]) -> tuple[Axis, ...]:
    """What varies: prompt, model, ratio, other settings, repeat. Nothing where one task alone is.

    A setting that follows from the model (4K of the one, none of the other) says no more than the model does.
    """
    return tuple(axis for axis, _ in _varying(tasks))


def grid(tasks: Sequence[Asked], rows: str = "", cols: str = "") -> Grid:
    """The tasks as a table with these axes; an unknown name, or the same one twice, stands for the usual one.

    Usually the models stand beside one another, or else the ratios, and the prompts below.
    """
    varying = _varying(tasks)
    known = {axis.name: axis for axis, _ in varying}
    row, col = _chosen(list(known), rows, cols)
    others = tuple(axis for name, axis in known.items() if name not in (row, col))
    place = {axis.name: where for axis, where in varying}
    width = len(known[col].values) if col else 1
    found: dict[int, dict[tuple[int, ...], list[int | None]]] = {}
    for task in range(len(tasks)):
        group = found.setdefault(place[row][task] if row else 0, {})
        line = group.setdefault(tuple(place[axis.name][task] for axis in others), [None] * width)
        line[place[col][task] if col else 0] = task
    groups = tuple(
        Group(known[row].values[at] if row else None, _lines(found[at], others)) for at in sorted(found)
    )  # fmt: skip
    return Grid(known.get(row), known.get(col), others, groups)


def _lines(group: Mapping[tuple[int, ...], list[int | None]], others: Sequence[Axis]) -> tuple[Line, ...]:
    return tuple(
        Line(tuple(axis.values[one] for axis, one in zip(others, at, strict=True)), tuple(group[at]))
        for at in sorted(group)
    )


def _chosen(names: Sequence[str], rows: str, cols: str) -> tuple[str, str]:
    """The axes of rows and columns; "" where there is none left for it."""
    rows, cols = (name if name in names else "" for name in (rows, cols))
    if rows == cols:
        cols = ""
    free = [name for name in names if name not in (rows, cols)]
    if not cols:
        aside = [name for name in free if name != PROMPT]
        cols = next((name for name in _COLUMNS if name in aside), next(iter(aside), ""))
        free = [name for name in free if name != cols]
    return rows or next(iter(free), ""), cols


def _varying(tasks: Sequence[Asked]) -> list[tuple[Axis, list[int]]]:
    """Each axis, and by task the index of its value."""
    facts: dict[str, list[Any]] = {PROMPT: [task.prompt for task in tasks], MODEL: [task.model for task in tasks]}
    names = dict.fromkeys([_SHAPE, *(name for task in tasks for name in task.params)])
    facts |= {RATIO if name == _SHAPE else name: [task.params.get(name) for task in tasks] for name in names}
    found = {name: _indexed(values) for name, values in facts.items()}
    model = found[MODEL][1]
    several = len(found[MODEL][0]) > 1
    varying = [
        (Axis(name, values), where) for name, (values, where) in found.items()
        if len(values) > 1 and not (several and name not in (PROMPT, MODEL) and _follows(where, model))
    ]  # fmt: skip
    again = _numbered(zip(*(where for _, where in found.values()), strict=True))
    values, where = _indexed(again)
    return [*varying, (Axis(REPEAT, values), where)] if len(values) > 1 else varying


def _follows(of: Sequence[int], model: Sequence[int]) -> bool:
    return len(set(zip(model, of, strict=True))) == len(set(model))


def _numbered(keys: Iterable[Hashable]) -> list[int]:
    """1 for the first of its kind, 2 for the second …"""
    seen: Counter[Hashable] = Counter()
    numbers = []
    for key in keys:
        seen[key] += 1
        numbers.append(seen[key])
    return numbers


def _indexed(values: Sequence[Any]) -> tuple[tuple[Any, ...], list[int]]:
    """The different values in order, and the place of each among them. True is not 1, and a list can be a value."""
    places: dict[str, int] = {}
    different, where = list[Any](), list[int]()
    for value in values:
        key = json.dumps(value, sort_keys=True)
        if key not in places:
            places[key] = len(different)
            different.append(value)
        where.append(places[key])
    return tuple(different), where
