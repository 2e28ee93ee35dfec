"""What a copy of a picture may say of how it came to be: the same facts for the file beside it and for the file itself.

Not who asked: such copies leave the house. Known here are the task and its picture; how a file holds it is `xmp.py`.
"""

import json
from collections.abc import Sequence
from typing import Any

from data.catalog import Catalog, catalog
from data.history import Card, Picture
from data.images import StoredImage
from data.money import format_credits

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's word for what a trained model has made; its guidance for generative AI asks for it in every such file."""

ENDING = ".json"
"""After the whole name of the picture's file, extension and all."""


def facts(
    card: Card, picture: Picture, references: Sequence[StoredImage] = (), models: Catalog | None = None
) -> dict[str, Any]:
    """What `models`, or the catalogue in force, calls the task's model, and all that is known of the task itself.

    Names as in the task API, times in ISO 8601 (UTC), credits a decimal text; None where the charge is not known.

    `file` is the original as it is stored, byte for byte; a copy has other bytes and the same pixels.
    """
    spec = (models or catalog()).get(card.model)
    unknown = card.perhaps_charged and not card.charged_micro
    return {
        "prompt": card.prompt,
        "model": card.model,
        "model_name": spec.label if spec else card.model,
        "provider": spec.provider if spec else None,
        "params": card.params,
        "references": [
            {"sha256": one.sha256, "mime": one.mime, "width": one.width, "height": one.height} for one in references
        ],
        "credits": None if unknown else format_credits(card.charged_micro),
        "task_id": card.id,
        "batch_id": card.batch_id,
        "created_at": card.created_at.isoformat(timespec="seconds"),
        "finished_at": card.finished_at.isoformat(timespec="seconds") if card.finished_at else None,
        "digital_source_type": GENERATED,
        "file": {
            "sha256": picture.sha256, "mime": picture.mime, "width": picture.width, "height": picture.height,
            "bytes": picture.size, "duration_ms": picture.duration_ms,
        },
    }  # fmt: skip


def to_json(told: dict[str, Any]) -> bytes:
    """For people too: indented, in UTF-8, letters of every script as they are; half a surrogate pair becomes `?`."""
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")
