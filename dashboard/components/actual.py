"""What was asked beside what was really used: size, shape, format, version, seed, money and time, differences marked.

What was used is read from the stored files, from our own books, and from the provider's record as far as it speaks.
Records differ by road, year and model, so each fact is looked for by the few names it is known to have.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dashboard.components import formats, views, words
from dashboard.components.controls import SHAPE, ratio
from dashboard.language import t
from data.catalog import ModelSpec, ParamSpec
from data.history import Detail, Picture
from data.schema import Submission
from data.status import TERMINAL, Outcome, TaskStatus

_FORMATS = {"JPG": "JPEG", "QUICKTIME": "MOV"}
_SAME_SHAPE = 0.02
_SAME_COST = 0.1  # where a provider counts tokens, what it charges is never to the digit what was foreseen


@dataclass(frozen=True)
class Line:
    """One row. `used` is empty where nobody says; `differs` is shown by a sign and a word."""

    name: str
    asked: str
    used: str = ""
    differs: bool = False
    fact: bool = False  # nothing to compare it with


def lines(detail: Detail, spec: ModelSpec | None, *, practice: bool) -> list[Line]:
    """Every row of the comparison, in reading order."""
    card, call = detail.card, detail.call
    record = (call.report if call else None) or {}
    rows = [Line(t("Model"), " · ".join(filter(None, views.model_and_road(card, spec))), fact=True)]
    version = _version(record)
    if version and spec:
        rows.append(Line(t("Version"), spec.sent_as, version, differs=version != spec.sent_as))
    rows += [_setting(detail, spec, name, value, record) for name, value in card.params.items()]
    rows += [line for line in _unasked(detail, spec, record) if line.name not in {row.name for row in rows}]
    rows.append(cost(detail, practice=practice))
    if (time := _time(detail, spec, call)) is not None:
        rows.append(time)
    when = formats.date_and_time(card.created_at)
    asked = t("{when} through the API", when=when) if detail.source == "api" else when
    rows.append(Line(t("Asked for"), asked, fact=True))
    return rows


def _setting(detail: Detail, spec: ModelSpec | None, name: str, value: Any, record: dict[str, Any]) -> Line:
    param = spec.param(name) if spec else None
    shown = "on" if value is True else "off" if value is False else str(value)
    asked = param.value_label(value) if param and param.labels else shown
    used, differs = _used(detail, spec, param, asked, record)
    return Line(t(param.label) if param else name, t(asked) if param else asked, t(used) if param else used, differs)


def _used(
    detail: Detail, spec: ModelSpec | None, param: ParamSpec | None, asked: str, record: dict[str, Any]
) -> tuple[str, bool]:
    """What was used in place of this setting, and whether it is something else."""
    pictures, name = detail.card.pictures, param.name if param else ""
    if name == "seed":
        used = _find(record, "seed", "seeds")
        return used, bool(used) and used != asked
    if not pictures or param is None or spec is None:
        return "", False
    if name == SHAPE:
        used = _all(_shape(one.width / one.height, param) for one in pictures)
        return used, bool(ratio(asked)) and used != asked
    if name == "output_format":
        used = _all(_format(one.mime) for one in pictures)
        return used, used != _FORMATS.get(asked.upper(), asked.upper())
    if name == "duration":
        return _duration(detail, asked)
    if name == "resolution" or any(name in {table.by, *table.when} for table in spec.sizes):
        used = _all(_resolution(one, param, spec, asked) for one in pictures) or _find(record, "resolution")
        return used, bool(used) and used.lower() != asked.lower()
    if any(price.times == name for price in spec.prices):
        return str(len(pictures)), str(len(pictures)) != asked
    return "", False


def _unasked(detail: Detail, spec: ModelSpec | None, record: dict[str, Any]) -> Iterator[Line]:
    """What has no setting of its own on every model, and is a fact of every result."""
    card = detail.card
    expected = spec.output_size(card.params) if spec else None
    sizes = list(dict.fromkeys((one.width, one.height) for one in card.pictures))
    if expected or sizes:
        asked = f"{expected[0]} × {expected[1]}" if expected else t(words.MODEL_CHOOSES)
        used = ", ".join(f"{wide} × {tall}" for wide, tall in sizes)
        yield Line(t("Size"), asked, used, differs=bool(expected and sizes) and sizes != [expected])
    if card.pictures:
        yield Line(t("File format"), t(words.MODEL_CHOOSES), _format(card.pictures[0].mime))
    if seed := _find(record, "seed", "seeds"):
        yield Line(t("Seed"), t(words.MODEL_CHOOSES), seed)


def cost(detail: Detail, *, practice: bool) -> Line:
    """What it cost; silence is not taken for "nothing", neither of a call in doubt nor of one that was given up."""
    card = detail.card
    asked = formats.about(card.estimate_micro, practice=practice)
    used = formats.money(card.charged_micro, practice=practice) if card.charged_micro else ""
    if not practice and _silent(detail):
        unknown = t("{used}; {unknown}", used=used, unknown=t(words.CHARGE_OF_ANOTHER_UNKNOWN))
        return Line(t("Cost"), asked, unknown if used else t(words.CHARGE_UNKNOWN))
    unsaid = any(call.outcome == Outcome.SUCCEEDED and call.charged_micro is None for call in detail.submissions)
    if not used and (unsaid or card.status not in TERMINAL):
        return Line(t("Cost"), asked)
    made = card.status == TaskStatus.SUCCEEDED or card.charged_micro > 0
    foreseen = card.estimate_micro if card.estimate_micro is not None else card.charged_micro
    off = abs(card.charged_micro - foreseen) > _SAME_COST * foreseen
    return Line(t("Cost"), asked, used or t(words.NOTHING_CHARGED), differs=made and off)


def _silent(detail: Detail) -> bool:
    """Whether a call may have been charged, and nobody has said so; one that still runs is only waited for."""
    perhaps = {Outcome.UNKNOWN, Outcome.WRITTEN_OFF}
    if detail.card.status in TERMINAL:
        perhaps.add(Outcome.ACCEPTED)
    return any(call.charged_micro is None and call.outcome in perhaps for call in detail.submissions)


def _time(detail: Detail, spec: ModelSpec | None, call: Submission | None) -> Line | None:
    typical = views.usual(spec)
    asked = t("usually {time}", time=formats.seconds(typical)) if typical else "–"
    if call is None or detail.card.finished_at is None or detail.card.status != TaskStatus.SUCCEEDED:
        return Line(t("Time"), asked) if typical else None
    return Line(t("Time"), asked, formats.seconds((detail.card.finished_at - call.started_at).total_seconds()))


def _version(record: dict[str, Any]) -> str:
    return _find(record, "modelVersion", "model")


def _find(record: dict[str, Any], *names: str) -> str:
    """A fact of the record by one of its names: at the top, in the result, or in the first item of a list."""
    places: list[Any] = [record, record.get("response"), record.get("info"), record.get("usage")]
    places += [items[0] for items in (record.get("data"),) if isinstance(items, list) and items]
    for place in places:
        for name in names:
            value = place.get(name) if isinstance(place, dict) else None
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return str(value).strip()[:100]
    return ""


def _all(used: Iterable[str]) -> str:
    """What was used of each, said once where it is the same."""
    return ", ".join(dict.fromkeys(filter(None, used)))


def _resolution(one: Picture, param: ParamSpec, spec: ModelSpec, asked: str) -> str:
    """The value of a setting like "2K" with which the model makes files of this size; empty where none does."""
    shapes = spec.param(SHAPE)
    fitting = {
        param.value_label(value)
        for value in param.allowed
        for shape in (shapes.allowed if shapes else (None,))
        if _same_size((one.width, one.height), spec.output_size({param.name: value, SHAPE: shape}))
    }
    return asked if asked in fitting else next(iter(sorted(fitting)), "")


def _same_size(real: tuple[int, int], expected: tuple[int, int] | None) -> bool:
    return expected is not None and all(abs(a / b - 1) < _SAME_SHAPE for a, b in zip(real, expected, strict=True))


def _shape(real: float, param: ParamSpec) -> str:
    labels = [param.value_label(value) for value in param.allowed]
    near = [label for label in labels if ratio(label) and abs(ratio(label) / real - 1) < _SAME_SHAPE]
    return min(near, key=lambda label: abs(ratio(label) - real), default=f"{real:.2f}:1")


def _format(mime: str) -> str:
    name = mime.partition("/")[2].upper()
    return _FORMATS.get(name, name)


def _duration(detail: Detail, asked: str) -> tuple[str, bool]:
    lengths = [one.duration_ms for one in detail.card.pictures if one.duration_ms]
    wanted = re.match(r"\d+", asked)
    off = wanted is not None and any(abs(length - int(wanted[0]) * 1000) > 500 for length in lengths)
    return _all(t("{n} s", n=f"{length / 1000:.1f}") for length in lengths), off
