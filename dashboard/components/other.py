"""Another model for what has failed: which one is offered, what it would be asked for, and at which price."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboard.components import server
from dashboard.components.controls import controls, fit, params_of, shown_value
from dashboard.components.standing import standing
from dashboard.resources import now
from data.catalog import Choice, ModelSpec, catalog
from data.errors import InvalidRequest
from data.history import Card
from data.images import StoredImage
from data.requests import GenerationRequest, validate


@dataclass(frozen=True)
class Other:
    """A model of another family that would take it. `price`: micro-credits, None where nobody knows."""

    choice: Choice
    request: GenerationRequest
    price: int | None


def other(card: Card, references: Sequence[StoredImage]) -> Other | None:
    """The first that can be asked now; None where none takes it, or nobody knows what family the failed one was of."""
    return next(_others(card, references), None)


def named(card: Card, references: Sequence[StoredImage], name: str) -> Other | None:
    """The same for a certain choice: the one that a button named."""
    return next((one for one in _others(card, references) if one.choice.name == name), None)


def _others(card: Card, references: Sequence[StoredImage]) -> Iterator[Other]:
    models, today = catalog(), now().date()
    failed = models.get(card.model)
    for choice in models.choices if failed else ():
        spec = models.get(choice.model_id(with_references=bool(references)))
        if failed is None or spec is None or spec.kind != failed.kind or spec.family == failed.family:
            continue
        if standing(spec, server.about(), today).reason:
            continue
        try:
            request = validate(spec, card.prompt, _params(card, failed, spec), references, on=today)
        except InvalidRequest:
            continue
        yield Other(choice, request, spec.estimate(request.params, on=today, references=len(references)))


def _params(card: Card, failed: ModelSpec, spec: ModelSpec) -> dict[str, str | int | float | bool]:
    """The settings as the form would carry them over: by what people read, the shape to the nearest there is."""
    wanted = {name: shown_value(param, value) for name, value in card.params.items() if (param := failed.param(name))}
    shown = controls([spec])
    return params_of(spec, shown, {one.name: fit(one, wanted.get(one.name)) for one in shown})
