"""The shape of a catalogue entry and of the catalogue: a model, a choice, and what must hold among their parts.

They know no file and no clock. What an entry is made of is in `data/spec_parts.py`.
"""

from collections.abc import Mapping
from datetime import date
from itertools import product
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from data.errors import InvalidRequest
from data.sentences import Sentence, paragraph
from data.spec_parts import (
    STRICT,
    Count,
    ParamSpec,
    Positive,
    Price,
    ReferenceSpec,
    Scalar,
    SizeTable,
    Text,
    TokenRates,
    fits,
    refuse,
    refuse_twice,
)

ProviderName = Literal["kie", "gemini", "ark"]
Family = Literal["nano-banana", "seedream", "veo", "sora"]

ROADS: Mapping[str, str] = {"kie": "kie.ai", "gemini": Sentence("Google, direct"), "ark": Sentence("ByteDance, direct")}
"""What people read for each provider."""

FAMILIES: Mapping[str, frozenset[str]] = {
    "kie": frozenset({"nano-banana", "seedream", "veo", "sora"}),
    "gemini": frozenset({"nano-banana"}),
    "ark": frozenset({"seedream"}),
}
"""Whose models each provider runs: a task of any other pair would wait for ever."""
GEMINI_FIELDS = frozenset({"aspectRatio", "imageSize", "thinkingLevel"})
"""The settings that have a place in a body for Google; whatever else an entry names could not be sent."""

_SOON_DAYS = 30


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ModelSpec:
    """One model as one provider offers it. `id` is our own unique key; prompt limits are characters."""

    id: Text
    label: Text
    family: Family
    provider: ProviderName
    mode: Literal["text", "edit", "both"]
    prompt_max: Positive
    kind: Literal["image", "video"] = "image"
    wire_model: str = ""
    prompt_min: Count = 1
    references: ReferenceSpec | None = None
    params: tuple[ParamSpec, ...] = ()
    fixed: dict[str, Scalar] = Field(default_factory=dict)  # wire fields that are always sent
    prices: tuple[Price, ...] = ()
    rates: TokenRates | None = None
    sizes: tuple[SizeTable, ...] = ()
    size_wire: str = ""  # the field that takes "WIDTHxHEIGHT" out of `sizes`
    size_pixels: tuple[Positive, Positive] | None = None  # fewest and most pixels that it takes
    seconds: Positive | None = None  # a typical wait
    speed: Literal["fast", "standard", "slow"] | None = None
    paused: str = ""  # why it cannot be used now, a sentence
    retires: date | None = None
    remark: str = ""

    @property
    def sent_as(self) -> str:
        """The model's name as the provider is told it."""
        return self.wire_model or self.id

    def param(self, name: str) -> ParamSpec | None:
        """The setting of that name (ours), or None."""
        return next((param for param in self.params if param.name == name), None)

    def price(self, params: Mapping[str, Any], on: date, references: int = 0) -> int | None:
        """What the list says of one call on that day, in micro-credits, unset settings at their defaults.

        None: unknown, never 0.
        """
        filled = self._filled(params)
        fitting = [price for price in self.prices if price.as_of <= on and fits(price.when, filled)]
        return max(fitting, key=lambda price: price.as_of).cost(filled, references) if fitting else None

    def estimate(self, params: Mapping[str, Any], on: date, references: int = 0) -> int | None:
        """What to expect of one call beforehand: its price and, where tokens are counted, those beside the picture."""
        price = self.price(params, on, references)
        return price if price is None or self.rates is None else price + self.rates.beside(references)

    def prices_on(self, on: date) -> set[int]:
        """Every price that some settings have on that day, in micro-credits; empty where none is known."""
        begun = [price for price in self.prices if price.as_of <= on]
        newest = [price for price in begun
                  if not any(other.when == price.when and other.as_of > price.as_of for other in begun)]  # fmt: skip
        return {price.micro for price in newest}

    def output_size(self, params: Mapping[str, Any]) -> tuple[int, int] | None:
        """(width, height) in pixels with these settings, unset ones at their defaults; None where nobody says so."""
        filled = self._filled(params)
        fitting = (table for table in self.sizes if fits(table.when, filled))
        return next((table.pixels[str(filled[table.by])] for table in fitting
                     if str(filled.get(table.by)) in table.pixels), None)  # fmt: skip

    def retired(self, on: date) -> bool:
        """Whether the model is no longer offered on that day."""
        return self.retires is not None and self.retires <= on

    def retiring(self, on: date) -> str:
        """A sentence for the form if the model goes within 30 days or is gone; empty otherwise."""
        if self.retires is None or (self.retires - on).days > _SOON_DAYS:
            return ""
        day = Sentence("{day} {month} {year}", day=self.retires.day, month=Sentence(f"{self.retires:%B}"),
                       year=self.retires.year)  # fmt: skip
        if self.retired(on):
            return Sentence("{model} was retired on {day}. Choose another model.", model=self.label, day=day)
        return Sentence(
            "{model} is offered until {day} and no longer. Plan with another model.", model=self.label, day=day
        )

    def _filled(self, params: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in params.items() if value is not None}
        return {param.name: param.default for param in self.params} | given

    @model_validator(mode="after")
    def _check(self) -> Self:
        fewest = None if self.references is None else min(self.references.min, 1)
        wanted = {"text": None, "edit": 1, "both": 0}[self.mode]
        refuse(fewest != wanted, "references: none for text, min = 1 or more for edit, min = 0 for both")
        refuse(self.prompt_min > self.prompt_max, "prompt_min is larger than prompt_max")
        self._check_road()
        self._check_names()
        conditions = [price.when for price in self.prices]
        conditions += [table.when | {table.by: tuple(table.pixels)} for table in self.sizes]
        for name, values in [item for when in conditions for item in when.items()]:
            param = self.param(name)
            refuse(param is None, 'a price or size speaks of "{name}", which is no setting of this model', name=name)
            faults = [param.fault(value) for value in values] if param else []
            refuse(any(faults), 'a price or size has a value for "{name}" that the setting does not allow', name=name)
        self._check_sizes()
        return self

    def _check_road(self) -> None:
        """What would be found out only when a task waits or is sent."""
        runs = FAMILIES[self.provider]
        said = {"provider": self.provider, "family": self.family, "names": ", ".join(sorted(runs))}
        refuse(self.family not in runs, "{provider} does not run {family}, only {names}", **said)
        if self.provider == "gemini":
            sent = {*self.fixed, *(param.wire for param in self.params if param.wire), *filter(None, [self.size_wire])}
            unknown = ", ".join(sorted(sent - GEMINI_FIELDS))
            known = ", ".join(sorted(GEMINI_FIELDS))
            refuse(bool(unknown), "gemini has no place for {names}, only for {known}", names=unknown, known=known)
            refuse(bool(self.references and self.references.single), "gemini takes no single reference, but a list")

    def _check_names(self) -> None:
        taken = ["prompt", *self.fixed] + ([self.references.wire] if self.references else [])
        taken += [self.size_wire] if self.size_wire else []
        refuse_twice("setting", [param.name for param in self.params])
        refuse_twice("wire field", taken + [param.wire for param in self.params if param.wire])
        for price in self.prices:
            param = self.param(price.times) if price.times else None
            fits = not price.times or (param is not None and param.type == "int")
            name = price.times
            refuse(
                not fits, 'a price is to be multiplied by "{name}", which is no whole number of this model', name=name
            )
            boundless = param is not None and not param.allowed and param.max is None
            refuse(boundless, 'a price is to be multiplied by "{name}", which has no max', name=name)

    def _check_sizes(self) -> None:
        """A size that is sent must exist for whatever is chosen, and the provider must take it."""
        unsent = [param for param in self.params if not param.wire]
        refuse(bool(unsent) and not self.size_wire, "a setting without a wire field needs size_wire")
        named = {name for table in self.sizes for name in (table.by, *table.when)}
        choosing = [param for param in self.params if not param.wire or param.name in named] if self.size_wire else []
        for param in choosing:
            unlisted = not param.allowed
            refuse(
                unlisted, '"{name}" chooses a size that is sent, so it must list its allowed values', name=param.name
            )
        for values in product(*(param.allowed for param in choosing)) if self.size_wire else ():
            chosen = {param.name: value for param, value in zip(choosing, values, strict=True)}
            words = ", ".join(str(value) for value in values)
            refuse(self.output_size(chosen) is None, "size_wire is set, but there is no size for: {names}", names=words)
        if self.size_pixels is not None:
            low, high = self.size_pixels
            for wide, tall in [size for table in self.sizes for size in table.pixels.values()]:
                size = f"{wide}x{tall}"
                refuse(not low <= wide * tall <= high, "size {size} is not within size_pixels", size=size)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Choice:
    """What a maker picks in the form: one name for the model that draws from text and the one that edits."""

    name: Text
    text: Text | None = None
    edit: Text | None = None

    def model_id(self, *, with_references: bool) -> str:
        """The id to use. Where the fitting one does not exist it is the other, whose validation then says why."""
        wanted, other = (self.edit, self.text) if with_references else (self.text, self.edit)
        return wanted or other or ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self.text is None and self.edit is None, "names neither a text nor an edit model")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Catalog:
    """All models, and the choices in the order of the form."""

    models: tuple[ModelSpec, ...] = Field(alias="model")
    choices: tuple[Choice, ...] = Field(alias="choice")

    def get(self, model_id: str) -> ModelSpec | None:
        """The model of that id, or None."""
        return next((spec for spec in self.models if spec.id == model_id), None)

    def require(self, model_id: str) -> ModelSpec:
        """The model of that id. Raises InvalidRequest (`model`, `unknown_model`)."""
        spec = self.get(model_id)
        if spec is None:
            message = paragraph(
                Sentence("This model is not on offer."),
                Sentence("Nothing was charged."),
                Sentence("Choose another model."),
            )
            raise InvalidRequest(message, field="model", code="unknown_model")
        return spec

    def spec_of(self, choice: Choice) -> ModelSpec:
        """The model that stands for a choice: its family, provider and kind are those of the choice."""
        return self.require(choice.text or choice.edit or "")

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_twice("model id", [spec.id for spec in self.models])
        refuse_twice("choice", [choice.name for choice in self.choices])
        specs = {spec.id: spec for spec in self.models}
        for choice in self.choices:
            named = {key: model_id for key, model_id in (("text", choice.text), ("edit", choice.edit)) if model_id}
            for key, model_id in named.items():
                where, unfit = f'choice "{choice.name}", {key}', {"text": "edit", "edit": "text"}[key]
                said = {"where": where, "id": model_id, "mode": unfit}
                refuse(model_id not in specs, '{where}: there is no model "{id}"', **said)
                refuse(specs[model_id].mode == unfit, '{where}: "{id}" is a model of mode {mode}', **said)
            whose = {(specs[each].family, specs[each].provider, specs[each].kind) for each in named.values()}
            refuse(len(whose) > 1, 'choice "{name}": its models differ in family, provider or kind', name=choice.name)
        return self
