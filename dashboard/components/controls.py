"""The settings that one model has, or several have in common: each once, with the values that all of them take.

Pure: it knows entries of the catalogue and no screen. Values are matched by what people read and not by what goes out,
for "2K" is `basic` on one model and `high` on the next, and JPEG is spelt `jpg` or `jpeg`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from data.catalog import ModelSpec, ParamSpec, ParamValue
from data.sentences import Sentence

SHAPE = "aspect_ratio"
SOUGHT = (("seed", Sentence("Seed")), ("steps", Sentence("Steps")))
"""Settings that people look for even where no model has them."""

Value = ParamValue | None


@dataclass(frozen=True)
class Control:
    """One setting as the form shows it. `reason` says why it cannot be set; empty where it can."""

    name: str
    label: str
    type: Literal["choice", "int", "number", "bool"] = "choice"
    help: str = ""
    options: tuple[str, ...] = ()
    low: int | float | None = None
    high: int | float | None = None
    default: Value = None
    optional: bool = False  # may be left unset
    weighty: bool = False  # decides what it costs or how large it is
    absent: bool = False  # none of the models has it
    reason: str = ""

    @property
    def live(self) -> bool:
        """Whether it can be set."""
        return not self.reason


def controls(specs: Sequence[ModelSpec], others: Iterable[ModelSpec] = ()) -> list[Control]:
    """Every setting of these models, then those that only `others` have, which these lack. The shape comes first."""
    weighty = {name for spec in specs for name in _weighty(spec)}
    found: dict[str, Control] = {}
    for spec in specs:
        for param in spec.params:
            if param.name not in found:
                found[param.name] = _common(param.name, specs, weighty=param.name in weighty)
    elsewhere = {param.name: param for spec in others for param in spec.params}
    lacking = {name: param.label for name, param in elsewhere.items()} | dict(SOUGHT)
    for name, label in lacking.items():
        if name not in found:
            found[name] = Control(name, label, absent=True, reason=has_no(specs, [label.lower()]))
    return sorted(found.values(), key=lambda one: (one.name != SHAPE, not one.weighty))


def fit(control: Control, wanted: object) -> Value:
    """What a control shows for somebody who wants this: the same, else the nearest shape, else the default."""
    if control.type == "bool":
        return wanted if isinstance(wanted, bool) else bool(control.default)
    if control.type == "choice":
        if wanted in control.options:
            return str(wanted)
        ratios = {option: ratio(option) for option in control.options if ratio(option)}
        if control.name == SHAPE and ratio(wanted) and ratios:
            return min(ratios, key=lambda option: abs(ratios[option] - ratio(wanted)))
        return control.default
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        wanted = control.default
    if isinstance(wanted, str) or wanted is None:
        return None
    inside = (control.low is None or control.low <= wanted) and (control.high is None or wanted <= control.high)
    whole = control.type != "int" or isinstance(wanted, int)
    value = wanted if inside and whole else control.default
    return float(value) if control.type == "number" and isinstance(value, int) else value


def params_of(spec: ModelSpec, shown: Iterable[Control], values: Mapping[str, Value]) -> dict[str, ParamValue]:
    """What this model is asked with, in its own values, where the form shows these. A switch left alone is not sent."""
    params: dict[str, ParamValue] = {}
    for control in shown:
        param, value = spec.param(control.name), values.get(control.name)
        if param is None or not control.live or value is None:
            continue
        if param.type == "bool" and not param.required and value == bool(param.default):
            continue
        own = own_value(param, value) if control.type == "choice" else value
        if own is not None:
            params[param.name] = own
    return params


def own_value(param: ParamSpec, shown: object) -> ParamValue | None:
    """The model's own value for what people read, or None."""
    return next((value for value in param.allowed if param.value_label(value) == shown), None)


def shown_value(param: ParamSpec, own: ParamValue) -> ParamValue:
    """What people read for the model's own value."""
    return param.value_label(own) if param.allowed else own


def ratio(value: object) -> float:
    """Width by height of "16:9"; 0 where it is no ratio."""
    width, _, height = str(value).partition(":")
    return int(width) / int(height) if width.isdigit() and height.isdigit() and int(height) else 0.0


def _weighty(spec: ModelSpec) -> set[str]:
    """Settings on which the price or the pixels depend, and for a video how long it is."""
    names = {name for price in spec.prices for name in [*price.when, price.times] if name}
    names |= {name for table in spec.sizes for name in [*table.when, table.by]}
    return names | ({"duration", "resolution"} if spec.kind == "video" else set())


def _common(name: str, specs: Sequence[ModelSpec], *, weighty: bool) -> Control:
    """The control for a setting that at least one of these models has."""
    having = [(spec, param) for spec in specs if (param := spec.param(name)) is not None]
    first = having[0][1]
    whole = Control(name, first.label, _type(first), first.help, weighty=weighty)
    if len(having) < len(specs):
        return replace(whole, reason=Sentence("only {models}.", models=joined([named(spec) for spec, _ in having])))
    params = [param for _, param in having]
    if len({_type(param) for param in params}) > 1:
        return replace(whole, reason=Sentence("they mean different things by it."))
    if whole.type == "choice":
        return _choice(whole, params)
    if whole.type == "bool":
        return replace(whole, default=first.default)
    return _range(whole, params)


def _choice(whole: Control, params: Sequence[ParamSpec]) -> Control:
    labels = [[param.value_label(value) for value in param.allowed] for param in params]
    options = tuple(label for label in dict.fromkeys(labels[0]) if all(label in others for others in labels[1:]))
    if not options:
        return replace(whole, reason=Sentence("no value suits all of them."))
    defaults = [param.value_label(param.default) for param in params if param.default is not None]
    optional = all(param.default is None and not param.required for param in params)
    default = next((label for label in defaults if label in options), None if optional else options[0])
    return replace(whole, options=options, default=default, optional=optional)


def _range(whole: Control, params: Sequence[ParamSpec]) -> Control:
    low = max((param.min for param in params if param.min is not None), default=None)
    high = min((param.max for param in params if param.max is not None), default=None)
    if low is not None and high is not None and low > high:
        return replace(whole, reason=Sentence("no value suits all of them."))
    whole = replace(whole, low=low, high=high)
    defaults = [fit(whole, param.default) for param in params]
    return replace(whole, default=defaults[0], optional=None in defaults)


def _type(param: ParamSpec) -> Literal["choice", "int", "number", "bool"]:
    return "choice" if param.allowed else "choice" if param.type == "enum" else param.type


def has_no(specs: Sequence[ModelSpec], settings: Sequence[str]) -> str:
    """ "Nano Banana has no setting for seed or steps." """
    lacking = joined(settings, or_=True)
    if len(specs) > 1:
        return Sentence("None of them has a setting for {settings}.", settings=lacking)
    return Sentence("{model} has no setting for {settings}.", model=named(specs[0]), settings=lacking)


def named(spec: ModelSpec) -> str:
    """The model's name for a sentence that lists several: "Nano Banana Pro (Google direct)"."""
    name, comma, road = spec.label.partition(", ")
    return f"{name} ({road})" if comma else name


def joined(names: Sequence[str], *, or_: bool = False) -> str:
    """ "A", "A and B", "A, B and C"; with `or_` "A or B"."""
    if len(names) < 2:
        return names[0] if names else ""
    first, last = ", ".join(names[:-1]), names[-1]
    if or_:
        return Sentence("{first} or {last}", first=first, last=last)
    return Sentence("{first} and {last}", first=first, last=last)
