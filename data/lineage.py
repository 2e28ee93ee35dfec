"""In which way a request comes of a task: found in what is asked, not in which button was pressed.

So it stays true however the form is changed in between, and a request that has nothing of the task any more is nobody's
child. It reads the catalogue and no database.
"""

import unicodedata
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from data.catalog import catalog
from data.difference import pieces
from data.history import Detail
from data.relation import Relation
from data.requests import GenerationRequest

SEED = "seed"


def relation(parent: Detail, request: GenerationRequest, lent: Collection[str] = ()) -> Relation | None:
    """How the request comes of `parent`; None where nothing of it is left.

    `lent`: the SHA-256 of the parent's pictures as they were made fit to be references.
    """
    used = {image.sha256 for image in request.references}
    if used & ({row.sha256 for row in parent.outputs} | set(lent)):
        return Relation.EDIT
    given = {row.sha256 for row in parent.inputs}
    if _plain(request.prompt) == _plain(parent.card.prompt) and used == given:
        other_model = request.model != parent.card.model
        same = _meant(request.model, request.params) == _meant(request.model, parent.card.params)
        return Relation.VARIATION if other_model or same else Relation.REMIX
    return Relation.REMIX if used & given or akin(parent.card.prompt, request.prompt) else None


@lru_cache(maxsize=128)
def akin(one: str, other: str) -> bool:
    """Whether at least half of the shorter text stands in the longer: a few common words make no family."""
    shorter = min(len(one.strip()), len(other.strip()))
    both = sum(len(piece.text) for piece in pieces(one, other) if piece.kind == "same")
    return shorter > 0 and 2 * both >= shorter


def _plain(prompt: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", prompt).split())


def _meant(model: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Without the seed; what was left unsaid is what the model does then, as far as its entry tells."""
    spec = catalog().get(model)
    unsaid = {param.name: param.default for param in spec.params if param.default is not None} if spec else {}
    return {name: value for name, value in {**unsaid, **params}.items() if name != SEED}
