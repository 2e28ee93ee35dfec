"""What is to be painted for a task, by the rules of its road. Pure: no file and no wire."""

from dataclasses import dataclass, replace
from typing import Any

from . import ark_rules, faults, gemini_rules, models
from .models import Size
from .task import Task

OTHER = {"png": "jpeg", "jpeg": "png"}


@dataclass(frozen=True)
class Drawing:
    """One picture, or a film where it has seconds."""

    prompt: str
    model: str
    seed: int
    size: Size
    format: str
    seconds: int = 0
    stamped: bool = False
    transparent: bool = False


def prompt(task: Task) -> Any:
    """Return the words that were asked for, wherever the road puts them."""
    return gemini_rules.prompt(task.input) if task.road == "gemini" else task.input.get("prompt")


def drawing(task: Task, number: int, promised: str, reference: Size | None) -> Drawing | None:
    """Return the drawing of a task's nth file, promised as png, jpeg or mp4; None for a model that is no more."""
    words = faults.strip_directives(str(prompt(task) or ""))
    plain = Drawing(words, task.model, int(task.id[-8:], 16) + number, (0, 0), promised)
    road = {"gemini": _gemini, "ark": _ark}.get(task.road, _kie)
    found = road(task, number, plain, reference)
    return None if found is None else _spoiled(found, task.faults)


def _spoiled(plain: Drawing, struck: faults.Faults) -> Drawing:
    """Return the drawing as the faults want it."""
    if "other_size" in struck:
        scale = faults.number(struck, "other_size", least=0.1, most=2)
        width, height = (max(round(side * scale) // 2 * 2, 64) for side in plain.size)
        plain = replace(plain, size=(width, height))
    if "other_format" in struck:
        plain = replace(plain, format=OTHER.get(plain.format, plain.format))
    return plain


def _kie(task: Task, number: int, plain: Drawing, reference: Size | None) -> Drawing | None:
    model = models.find(task.model, task.road)
    if not isinstance(model, models.Model):
        return None
    asked = task.input
    return replace(
        plain,
        size=models.size_of(model, asked, reference),
        seed=asked["seed"] + number if isinstance(asked.get("seed"), int) else plain.seed,
        seconds=int(model.value(asked, "duration")) if model.kind == "video" else 0,
        transparent=bool(model.layers and number),
    )


def _gemini(task: Task, _: int, plain: Drawing, reference: Size | None) -> Drawing | None:
    model = gemini_rules.MODELS.get(task.model)
    return None if model is None else replace(plain, size=gemini_rules.size_of(model, task.input, reference))


def _ark(task: Task, _: int, plain: Drawing, reference: Size | None) -> Drawing | None:
    model = ark_rules.MODELS.get(task.model)
    if model is None:
        return None
    return replace(
        plain,
        size=ark_rules.size_of(model, task.input, reference),
        stamped=task.input.get("watermark") is not False,
        transparent=task.input.get("background") == "transparent",
    )
