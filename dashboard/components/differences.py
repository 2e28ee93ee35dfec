"""What differs between two pictures, in the words of the table below them. It draws nothing and reads no database."""

from collections.abc import Callable, Sequence
from typing import Any

from dashboard.components import actual, formats, views
from dashboard.language import t, tn
from data.catalog import ModelSpec, catalog
from data.difference import Change, changes, facts, pieces
from data.history import Card, Detail


def rows(a: Detail, b: Detail, which: tuple[int, int]) -> list[dict[str, Any]]:
    """What differs between two tasks' pictures at these positions, ready to draw.

    What reads the same on both sides, such as waits of 8.1 and 8.3 s, is no row.
    """
    found = []
    for change in changes(_told(a, which[0]), _told(b, which[1])):
        if change.name == "prompt":
            whole = pieces(change.a, change.b)
            if any(piece.kind == "same" and piece.text.strip() for piece in whole):  # else they are told side by side
                found.append({"name": t("Prompt"), "pieces": [[piece.kind, piece.text] for piece in whole]})
                continue
        name, left, right = _row(change, a.card, b.card)
        if left != right:
            found.append({"name": name, "a": left, "b": right})
    return found


def table(found: Sequence[tuple[Detail, int]]) -> list[dict[str, Any]]:
    """What is not the same in all of several pictures (a task and the position in it), a value for each.

    A prompt that shares words with the first one's is told by what it has and that one has not.
    """
    told = [_told(*one) for one in found]
    (first, _), *_ = found
    every = []
    for name in dict.fromkeys(name for one in told for name in one):
        pairs = [_row(Change(name, told[0].get(name), one.get(name)), first.card, detail.card)
                 for one, (detail, _) in zip(told, found, strict=True)]  # fmt: skip
        values: list[Any] = [right for _, _, right in pairs]
        if len(set(values)) == 1:
            continue
        if name == "prompt":
            values = [values[0], *(_by_words(values[0], value) for value in values[1:])]
        every.append({"name": pairs[0][0], "values": values})
    return every


def _by_words(a: str, b: str) -> str | list[list[str]]:
    whole = pieces(a, b)
    shared = any(piece.kind == "same" and piece.text.strip() for piece in whole)
    return [[piece.kind, piece.text] for piece in whole] if shared and a != b else b


def _told(detail: Detail, index: int) -> dict[str, Any]:
    """The facts, with the cost as the drawer tells it: that nobody has said it is not that it was nothing."""
    cost = actual.cost(detail, practice=detail.practised).used
    return facts(detail, index) | {"cost": cost or t("not reported")}


def _row(change: Change, a: Card, b: Card) -> tuple[str, str, str]:
    specs = catalog().get(a.model), catalog().get(b.model)
    if change.name.startswith("params."):
        name = change.name.removeprefix("params.")
        labels = [param.label for spec in specs if spec and (param := spec.param(name))]
        return t(next(iter(labels), name)), setting(specs[0], name, change.a), setting(specs[1], name, change.b)
    if change.name == "model":
        return t("Model"), views.model_label(a, specs[0]), views.model_label(b, specs[1])
    if change.name == "references":
        left, right = _references(change.a), _references(change.b)
        return t("References"), left, right if left != right else t("{pictures}, not the same", pictures=right)
    say = _SAID[change.name]
    left, right = (t("not known") if value is None else say(value) for value in (change.a, change.b))
    return t(_FACTS[change.name]), left, right


def setting(spec: ModelSpec | None, name: str, value: Any) -> str:
    """What a setting is called of this model, also one that it was not asked for."""
    param = spec.param(name) if spec else None
    if value is None:
        return t("not set") if param else t("no such setting")
    if isinstance(value, bool):
        return t("on") if value else t("off")
    return t(param.value_label(value)) if param else str(value)


def _references(shas: Sequence[str]) -> str:
    return tn(len(shas), "{n} picture", "{n} pictures") if shas else t("none")


def file_format(mime: str) -> str:
    """ "PNG" for image/png."""
    return mime.partition("/")[2].upper()


_FACTS = {"prompt": "Prompt", "pixels": "Pixels", "format": "Came as", "length": "Length", "cost": "Cost",
          "seconds": "Time"}  # fmt: skip
_SAID: dict[str, Callable[[Any], str]] = {
    "prompt": str,
    "pixels": lambda size: f"{size[0]} × {size[1]}",
    "format": file_format,
    "length": formats.length,
    "cost": str,
    "seconds": formats.seconds,
}
