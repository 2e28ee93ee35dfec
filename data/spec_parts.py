"""The parts of a catalogue entry: settings, references, prices and sizes, each with what must hold inside it.

They know no file and no clock, and no model: what must hold among them is in `data/model_spec.py`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from math import ceil
from types import UnionType
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, model_validator
from pydantic.dataclasses import dataclass

from data.money import MICRO, MICRO_CREDITS_PER_USD
from data.sentences import Sentence

_MAX_SAFE_INTEGER = 2**53 - 1  # beyond it, readers of JSON that keep numbers as doubles change the value silently

ParamValue = str | int | float | bool


def _one_or_many(value: object) -> object:
    return tuple(value) if isinstance(value, list) else (value,)


def _scalar(value: object) -> ParamValue:
    if isinstance(value, str | int | float):
        return value
    raise ValueError(Sentence("must be a text, a number, true or false"))


def _quoted(value: object) -> object:
    if isinstance(value, str | Decimal) or value is None:
        return value
    raise ValueError(Sentence('must be a decimal number in quotes, such as "6.5"'))


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Scalar = Annotated[ParamValue, PlainValidator(_scalar)]
Amount = Annotated[Decimal, Field(gt=0, le=100_000, decimal_places=6, strict=False), BeforeValidator(_quoted)]
When = dict[str, Annotated[tuple[Scalar, ...], BeforeValidator(_one_or_many)]]

_TYPES: dict[str, tuple[type | UnionType, str]] = {
    "enum": (str, Sentence("must be a text")),
    "int": (int, Sentence("must be a whole number")),
    "number": (int | float, Sentence("must be a number")),
    "bool": (bool, Sentence("must be true or false")),
}

# Pydantic's dataclasses earn their place here: they say where in the file a fault is, and no shape is written twice.
STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ParamSpec:
    """One setting of a model: `name` and values are ours (form, API, database), `wire` and `wire_values` the wire's.

    A `required` setting is always sent, its default standing in; any other default only fills the form. Without a
    `wire` it is never sent itself: it chooses a row of the table of sizes. `wire_values` says what the provider calls
    a value of ours, so that one shape, one size and one format have the same name on every model; "" leaves it out.
    """

    name: Text
    wire: str
    label: Text
    type: Literal["enum", "int", "number", "bool"]
    allowed: tuple[Scalar, ...] = ()  # empty: not limited to a list
    labels: dict[str, str] = Field(default_factory=dict)
    wire_values: dict[str, Scalar] = Field(default_factory=dict)
    default: Scalar | None = None
    required: bool = False
    min: int | float | None = None
    max: int | float | None = None
    help: str = ""

    def value_label(self, value: ParamValue) -> str:
        """What people read for a value: `auto` is "Automatic"."""
        return self.labels.get(str(value), str(value))

    def on_wire(self, value: ParamValue) -> ParamValue | None:
        """What the provider is told for a value of ours: `basic` for "2K" on Seedream 4.5. None: nothing at all."""
        told = self.wire_values.get(str(value), value)
        return None if not self.wire or self.wire_values.get(str(value)) == "" else told

    def ours(self, value: object) -> object:
        """Our value where the provider's own word for it was given ("jpg", "basic"); anything else as it is."""
        if value is None or (self._has_type(value) and value in self.allowed):
            return value
        words = {word: each for each in self.allowed if (word := self.wire_values.get(str(each)))}
        return words.get(value, value) if isinstance(value, str) else value

    def fault(self, value: object) -> tuple[str, str] | None:
        """What is wrong with a value, as a stable code and the end of a sentence ("must be …"); None where it fits."""
        if not self._has_type(value):
            return "wrong_type", _TYPES[self.type][1]
        if self.allowed and value not in self.allowed:
            return "not_allowed", Sentence("must be one of: {values}", values=", ".join(map(str, self.allowed)))
        if isinstance(value, int | float) and not isinstance(value, bool):
            low = -_MAX_SAFE_INTEGER if self.min is None else self.min
            high = _MAX_SAFE_INTEGER if self.max is None else self.max
            if not low <= value <= high:  # NaN is within nothing
                return "out_of_range", Sentence("must be a number from {low} to {high}", low=low, high=high)
        return None

    def _has_type(self, value: object) -> bool:
        if isinstance(value, bool):  # Python takes True for 1; a provider does not
            return self.type == "bool"
        return isinstance(value, _TYPES[self.type][0])

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self.type == "enum" and not self.allowed, "an enum must list its allowed values")
        refuse(not all(self._has_type(value) for value in self.allowed), "an allowed value has another type")
        refuse(self.min is not None and self.max is not None and self.min > self.max, "min is larger than max")
        for what, named in (("labels", self.labels), ("wire_values", self.wire_values)):
            unknown = set(named) - {str(value) for value in self.allowed}
            names = ", ".join(sorted(unknown))
            refuse(bool(unknown), "{what} for values that are not allowed: {names}", what=what, names=names)
        fault = None if self.default is None else self.fault(self.default)
        refuse(fault is not None, "default {rule}", rule=fault[1] if fault else "")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ReferenceSpec:
    """Which reference pictures a model takes, and under which field of the wire.

    `min` and `max` count pictures; `max_mb` is for each and `total_mb` for all together, in millions of bytes (the
    provider says "MB"; the smaller reading is the safe one); `min_pixels` and `max_pixels` are width x height,
    `min_side` is the shorter of the two; `max_ratio` 16 means 1:16 to 16:1.
    """

    wire: Text
    min: Count
    max: Positive
    max_mb: Positive
    mimes: Annotated[tuple[Text, ...], Field(min_length=1)]
    single: bool = False  # sent as one string instead of a list
    roles: tuple[Text, ...] = ()  # what the first, the second … is taken for, where the order decides it
    total_mb: Positive | None = None
    min_side: Positive | None = None
    min_pixels: Positive | None = None
    max_pixels: Positive | None = None
    max_ratio: Positive | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self.min > self.max, "min is larger than max")
        refuse(self.single and self.max > 1, "single = true needs max = 1")
        refuse(bool(self.roles) and len(self.roles) != self.max, "roles must be as many as max")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Price:
    """What one picture or video costs from `as_of` on, where the settings fit `when` (setting -> values).

    Exact, in `credits` or in `usd`. `each_reference` is added for every reference beyond `free_references`, in the
    same money; `times` names a setting that multiplies it all (how many pictures one call may bring).
    """

    credits: Amount | None = None
    usd: Amount | None = None
    as_of: date
    source: Text
    when: When = Field(default_factory=dict)
    each_reference: Amount | None = None
    free_references: Count = 0
    times: str = ""

    @property
    def micro(self) -> int:
        """The price without references, in micro-credits."""
        return self._micro(self.credits or self.usd or Decimal(0))

    def cost(self, params: Mapping[str, Any], references: int) -> int:
        """Micro-credits with these settings, all of them filled in, and so many references."""
        extra = self._micro(self.each_reference or Decimal(0)) * max(references - self.free_references, 0)
        times = params.get(self.times, 1) if self.times else 1
        return (self.micro + extra) * int(times or 1)

    def _micro(self, amount: Decimal) -> int:
        return int(amount * (MICRO if self.credits else MICRO_CREDITS_PER_USD))

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse((self.credits is None) == (self.usd is None), "needs either credits or usd")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TokenRates:
    """What a million tokens cost in US dollars, for a provider that says how many it used: then that is the cost.

    Before the call nobody knows how many. So that a budget holds, the estimate counts, beside the price of the
    picture, as many as a call should hardly exceed: `text_tokens` written (thoughts among them), `prompt_tokens` read,
    and `reference_tokens` read of each reference.
    """

    image: Amount
    text: Amount
    input: Amount
    as_of: date
    source: Text
    text_tokens: Count = 0
    prompt_tokens: Count = 0
    reference_tokens: Count = 0

    def beside(self, references: int) -> int:
        """Micro-credits that are to be expected on top of the picture itself."""
        return self.cost(image=0, text=self.text_tokens, read=self.prompt_tokens + self.reference_tokens * references)

    def cost(self, *, image: int, text: int, read: int) -> int:
        """Micro-credits for the tokens drawn, written (thoughts among them) and read; a fraction is rounded up."""
        usd_micro = self.image * image + self.text * text + self.input * read  # USD per million is micro-USD per one
        return ceil(usd_micro * MICRO_CREDITS_PER_USD / MICRO)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SizeTable:
    """The real pixels, (width, height), for each value of the setting `by`, where the other settings fit `when`."""

    by: Text
    pixels: dict[str, tuple[Positive, Positive]]
    when: When = Field(default_factory=dict)


def refuse(fault: bool, reason: str, **values: object) -> None:
    if fault:
        raise ValueError(Sentence(reason, **values))


def refuse_twice(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    refuse(bool(twice), '{what} "{name}" stands there twice', what=what, name=twice[0] if twice else "")


def fits(when: Mapping[str, tuple[ParamValue, ...]], params: Mapping[str, Any]) -> bool:
    return all(params.get(name) in values for name, values in when.items())
