"""From the lines of a batch to what it asks for: each line by each of its models and shapes, tried before it is paid.

Pure: it knows the catalogue and no screen, and its sentences are translated where they are drawn. What a line does not
say is taken from the choices beside it, and then from the form, whose settings fit as they do there. But what a line
does say is never bent: a shape that a model lacks is a fault, and no other shape is bought instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from itertools import islice
from typing import Any

from dashboard.components.controls import SHAPE, controls, fit, own_value, params_of
from dashboard.components.server import About
from dashboard.components.standing import unconnected
from data.batch_text import Line, Lines
from data.catalog import Catalog, Choice, ModelSpec, ParamSpec, ParamValue
from data.errors import InvalidRequest, NotAllowed
from data.images import StoredImage
from data.projects import project_name
from data.requests import GenerationRequest, validate
from data.sentences import Sentence, either

MOST_PICTURES = 500
"""Of one batch. At the usual pace of 20 in 10 s they are on their way after four minutes, and one transaction writes
them while others wait for well under a second. Whoever wants more starts another, and has seen the first by then."""
MOST_ROWS = 2_000
"""That are looked through: a long list by many models and shapes could be millions, and none of them may be started."""
_YES, _NO = {"yes", "true", "1", "on", "是"}, {"no", "false", "0", "off", "否"}


@dataclass(frozen=True)
class Beside:
    """What lines leave open: every line by each of these models and shapes, so many times."""

    models: tuple[str, ...]  # names of choices
    shapes: tuple[str, ...] = ()  # none: as the form has it
    repeat: int = 1
    wanted: Mapping[str, Any] = field(default_factory=dict)  # the form's settings
    references: tuple[StoredImage, ...] = ()


@dataclass(frozen=True)
class Row:
    """One request of the batch, or why there is none."""

    line: int
    prompt: str
    model: str
    shape: str = ""
    count: int = 1
    request: GenerationRequest | None = None
    price: int | None = None  # micro-credits for one; None: unknown
    fault: str = ""
    project: str = ""  # of its own; else it goes where the form's do


@dataclass(frozen=True)
class Review:
    """The whole batch as it would be started now."""

    lines: Lines
    rows: tuple[Row, ...] = ()
    cut: bool = False  # whether there are more rows than were looked through

    @property
    def good(self) -> tuple[Row, ...]:
        """Those that would be asked for."""
        return tuple(row for row in self.rows if row.request is not None)

    @property
    def faulty(self) -> tuple[Row, ...]:
        """Those that would be left out."""
        return tuple(row for row in self.rows if row.request is None)

    @property
    def pictures(self) -> int:
        """How many tasks would be made."""
        return sum(row.count for row in self.good)

    @property
    def known_price(self) -> int:
        """Micro-credits for those whose price is known."""
        return sum(row.price * row.count for row in self.good if row.price is not None)

    @property
    def unpriced(self) -> int:
        """Of how many pictures nobody knows the price."""
        return sum(row.count for row in self.good if row.price is None)

    @property
    def price(self) -> int | None:
        """Micro-credits for all; None where one price is unknown."""
        return None if self.unpriced else self.known_price

    @property
    def prompts(self) -> int:
        """How many lines bring something."""
        return len({row.line for row in self.good})

    def requests(self) -> list[GenerationRequest]:
        """One for each picture, in the order of the lines."""
        return [row.request for row in self.good if row.request is not None for _ in range(row.count)]

    def projects(self, common: str) -> list[str]:
        """The project of each of them: its line's own, or the common one; "" is none."""
        return [row.project or common for row in self.good for _ in range(row.count)]


def review(lines: Lines, beside: Beside, models: Catalog, known: About, today: date) -> Review:
    """Every line, held against the catalogue of today as a press would be."""
    trial = _Trial(beside, models, known, today)
    every = (row for line in lines.lines for row in trial.rows(line))
    rows = tuple(islice(every, MOST_ROWS + 1))
    return Review(lines, rows[:MOST_ROWS], cut=len(rows) > MOST_ROWS)


class _Fault(Exception):  # noqa: N818 - caught a few lines below
    """Why a line asks for nothing; its argument is the sentence."""


class _Trial:
    """Remembers what many lines have in common."""

    def __init__(self, beside: Beside, models: Catalog, known: About, today: date) -> None:
        self._beside, self._models, self._known, self._today = beside, models, known, today
        self._choices = {choice.name.casefold(): choice for choice in models.choices}
        for choice in models.choices:
            for model_id in (choice.text, choice.edit):
                self._choices.setdefault((model_id or choice.name).casefold(), choice)
        self._settled: dict[str, dict[str, ParamValue]] = {}

    def rows(self, line: Line) -> list[Row]:
        """One for each model and shape of the line."""
        try:
            choices = [self._choice(line.model)] if line.model else [self._choice(one) for one in self._beside.models]
            count = self._count(line.repeat)
        except _Fault as fault:
            return [Row(line.number, line.prompt, line.model, line.ratio, fault=fault.args[0])]
        shapes = (line.ratio,) if line.ratio else self._beside.shapes or ("",)
        return [self._row(line, choice, shape, count) for choice in choices for shape in shapes]

    def _row(self, line: Line, choice: Choice, shape: str, count: int) -> Row:
        references = self._beside.references
        spec = self._models.require(choice.model_id(with_references=bool(references)))
        try:
            params = self._params(spec, choice.name, shape, line.settings)
            request = validate(spec, line.prompt, params, references, on=self._today)
            project = project_name(line.project) if line.project else ""
        except (_Fault, InvalidRequest, NotAllowed) as fault:
            return Row(line.number, line.prompt, choice.name, shape, count, fault=fault.args[0])
        if why := unconnected(spec, self._known):
            return Row(line.number, line.prompt, choice.name, shape, count, fault=why)
        price = spec.estimate(request.params, on=self._today, references=len(references))
        return Row(line.number, request.prompt, choice.name, _shape_of(spec, params), count, request, price,
                   project=project)  # fmt: skip

    def _choice(self, name: str) -> Choice:
        found = self._choices.get(name.casefold())
        if found is not None:
            return found
        near = get_close_matches(name.casefold(), self._choices, n=1, cutoff=0.5)
        if near:
            raise _Fault(Sentence("No model is called “{name}”. Did you mean {near}?", name=name,
                                  near=self._choices[near[0]].name))  # fmt: skip
        raise _Fault(Sentence("No model is called “{name}”.", name=name))

    def _count(self, repeat: str) -> int:
        if not repeat:
            return self._beside.repeat
        count = int(repeat) if repeat.isascii() and repeat.isdigit() and len(repeat) < 6 else 0
        if not 1 <= count <= MOST_PICTURES:
            raise _Fault(Sentence("“{value}” is no number of repeats. It is a whole number from 1 to {most}.",
                                  value=repeat, most=MOST_PICTURES))  # fmt: skip
        return count

    def _params(
        self, spec: ModelSpec, model: str, shape: str, settings: Sequence[tuple[str, str]]
    ) -> dict[str, ParamValue]:
        if spec.id not in self._settled:
            shown = controls([spec])
            values = {one.name: fit(one, self._beside.wanted.get(one.name)) for one in shown}
            self._settled[spec.id] = params_of(spec, shown, values)
        told = [*([(SHAPE, shape)] if shape else []), *settings]
        return self._settled[spec.id] | {name: _value(spec, model, name, text) for name, text in told}


def _shape_of(spec: ModelSpec, params: Mapping[str, ParamValue]) -> str:
    param = spec.param(SHAPE)
    return param.value_label(params[SHAPE]) if param and SHAPE in params else ""


def _value(spec: ModelSpec, model: str, name: str, text: str) -> ParamValue:
    param = spec.param(name)
    if param is None:
        known = ", ".join(one.name for one in spec.params)
        if not known:
            raise _Fault(Sentence("{model} has no settings. Leave “{name}” empty here.", model=model, name=name))
        raise _Fault(Sentence("{model} has no setting “{name}”. It has {known}.", model=model, name=name, known=known))
    value, setting = _read(param, text), Sentence(param.label)
    if value is None:
        allowed = either([Sentence(param.value_label(one)) for one in param.allowed])
        if allowed:
            raise _Fault(Sentence("“{value}” does not fit “{setting}” of {model}: {allowed}.", value=text,
                                  setting=setting, model=model, allowed=allowed))  # fmt: skip
        raise _Fault(Sentence("“{value}” does not fit “{setting}” of {model}.", value=text, setting=setting,
                              model=model))  # fmt: skip
    return value


def _read(param: ParamSpec, text: str) -> ParamValue | None:
    """A cell as the setting's own value; None where it is none."""
    if param.allowed:
        own = {str(one).casefold(): one for one in param.allowed}
        shown = {param.value_label(one).casefold(): own_value(param, param.value_label(one)) for one in param.allowed}
        return shown.get(text.casefold(), own.get(text.casefold()))
    if param.type == "bool":
        return True if text.casefold() in _YES else False if text.casefold() in _NO else None
    try:
        return int(text) if param.type == "int" else float(text)
    except ValueError:
        return None
