"""What is made of a picture next: the form filled to edit it, vary it or use its request again. Nothing here spends."""

import secrets
from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.components import ours, server, views
from dashboard.components.chosen import choice_of
from dashboard.components.controls import SHAPE, ratio, shown_value
from dashboard.components.origin import Origin
from dashboard.components.standing import standing
from dashboard.language import t
from dashboard.resources import desk, now
from data.catalog import Catalog, Choice, ModelSpec, catalog
from data.errors import NotAllowed
from data.history import Card, Detail
from data.images import StoredImage
from data.lineage import SEED
from data.rows import stored_image

_LARGEST_SEED = 2**31 - 1
_SAME_SHAPE = 0.02


def fill(
    prompt: str, params: Mapping[str, Any], references: tuple[StoredImage, ...] | None = None, *,
    model: str | None = None, origin: Origin | None = None, project: str | None = None,
) -> None:  # fmt: skip
    """Puts a prompt, settings and references into the form; the form takes them over at its next drawing.

    `params` are as people read them, or the model's own. Without `references` those in the form stay, and without a
    `project` the form's does.
    """
    wanted = {"prompt": prompt, "params": dict(params), "references": references, "origin": origin,
              "project": project}  # fmt: skip
    st.session_state["fill"] = wanted | ({"model": model} if model else {})


def use_again(task_id: str) -> None:
    """Everything that the task was asked with, to be changed."""
    detail = desk().history.detail(task_id)
    _fill_with(detail, detail.card.params, again=True)


def vary(task_id: str) -> None:
    """The same once more: with another seed, where the model takes one."""
    detail = desk().history.detail(task_id)
    spec, params = catalog().get(detail.card.model), dict(detail.card.params)
    seed = spec.param(SEED) if spec else None
    if seed is not None:
        low, high = int(seed.min or 0), int(seed.max if seed.max is not None else _LARGEST_SEED)
        params[SEED] = low + secrets.randbelow(high - low + 1)
    _fill_with(detail, params)


def _fill_with(detail: Detail, params: Mapping[str, Any], *, again: bool = False) -> None:
    card = detail.card
    references = tuple(stored_image(row) for row in detail.inputs)
    origin = Origin(card.id, again=again)
    fill(card.prompt, params, references, model=card.model, origin=origin, project=card.project)


def edit(ref: str) -> None:
    """The picture as the first reference, in its own shape, for a model that edits; what shall change is still to be
    written. `ref` is a task's id, from the second picture on with its number: "<id>.2".

    Raises:
        NotAllowed: no model that edits can be asked now.
    """
    task_id, _, number = ref.partition(".")
    detail = desk().history.detail(task_id)
    card, index = detail.card, int(number or 1) - 1
    models = catalog()
    choice, note = editor(card, models)
    image, output = ours.of_task(detail, index), detail.outputs[index]
    origin = Origin(card.id, lent=image.sha256, note=note)
    fill("", _kept(card, models, output.width, output.height), (image,), model=choice.edit, origin=origin,
         project=card.project)  # fmt: skip


def editor(card: Card, models: Catalog) -> tuple[Choice, str]:
    """Who edits this picture: the model that made it, else the next of its family; and what to say where it is another.

    Raises:
        NotAllowed: nobody does now.
    """
    mine, spec = choice_of(models, card.model), models.get(card.model)
    able = [choice for choice in models.choices if choice.text and _edits(choice, models)]
    if mine is not None and mine in able:
        return mine, ""
    if not able:
        raise NotAllowed(t("No model that edits pictures can be asked now. Nothing was charged."))
    best = min(able, key=lambda choice: _distance(spec, models.spec_of(choice)))
    name = views.model_label(card, spec) if mine is None else mine.name
    if mine is not None and mine.edit:
        return best, t("{model} cannot be asked now, so {other} edits.", model=name, other=best.name)
    return best, t("{model} draws from text alone, so {other} edits.", model=name, other=best.name)


def _edits(choice: Choice, models: Catalog) -> bool:
    spec = models.get(choice.edit or "")
    return spec is not None and spec.kind == "image" and not standing(spec, server.about(), now().date()).reason


def _distance(spec: ModelSpec | None, other: ModelSpec) -> tuple[bool, bool]:
    """Kin first, then by the same road."""
    return (spec is None or spec.family != other.family, spec is None or spec.provider != other.provider)


def _kept(card: Card, models: Catalog, width: int, height: int) -> dict[str, Any]:
    """What stays as it was: the settings as people read them, and the shape that the picture has."""
    spec = models.get(card.model)
    kept: dict[str, Any] = {}
    for name, value in card.params.items():
        param = spec.param(name) if spec else None
        if param is not None and name != SEED:
            kept[name] = shown_value(param, value)
    asked = views.shape_label(card, spec)
    as_asked = abs(ratio(asked) * height / width - 1) < _SAME_SHAPE
    return kept | {SHAPE: asked if as_asked else f"{width}:{height}"}
