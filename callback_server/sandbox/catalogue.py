"""kie's catalogue: the list of models and their prices for a key holder, and the public price list, from the table."""

import math
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from . import models, wire
from .gate import Desk, Entered, RefusedError, Up, answer, json_body

router = APIRouter()
MAX_PAGE = 100
TASKS = {"text-to-image": ("text-to-{}",), "edit": ("image-to-{}",), "both": ("text-to-{}", "image-to-{}")}


def _browse(desk: Desk) -> None:
    if not desk.may_ask("the catalogue", desk.config.catalogue_per_second):
        raise RefusedError(wire.Refusal(429, wire.WORDS[429]))


@router.get("/api/v1/models")
async def list_models(request: Request, desk: Entered) -> Response:
    """List the models, or those that fit the query."""
    _browse(desk)
    asked = request.query_params
    words, provider = asked.get("q", "").lower(), asked.get("provider", "").lower()
    kinds = {kind for kind in asked.get("taskType", "").split(",") if kind}
    rows = [
        row
        for row in map(_row, models.table().values())
        if words in f"{row['model']} {row['title']}".lower()
        and provider in ("", row["provider"].lower())
        and (not kinds or kinds & set(row["taskType"]))
    ]
    data = {"total": len(rows), "models": rows}
    return await answer(desk, wire.envelope(200, wire.WORDS[200], data))


@router.get("/api/v1/models/{name:path}/price")
async def price(name: str, desk: Entered) -> Response:
    """Return one model's price in words."""
    _browse(desk)
    model = models.table().get(name)
    if model is None:
        raise RefusedError(wire.Refusal(404, wire.UNKNOWN_MODEL))
    data = {"model": name, "pricingDesc": _row(model)["pricingDesc"]}
    return await answer(desk, wire.envelope(200, wire.WORDS[200], data))


@router.post("/client/v1/model-pricing/page")
async def price_page(request: Request, desk: Up) -> Response:
    """Return a page of the public price list; nobody needs a key for it."""
    body = await json_body(request)
    asked = body if isinstance(body, dict) else {}
    number, size = _count(asked.get("pageNum")), min(_count(asked.get("pageSize")), MAX_PAGE)
    words, kind = str(asked.get("modelDescription") or "").lower(), asked.get("interfaceType")
    found = [
        row
        for row in _prices()
        if words in row["modelDescription"].lower() and kind in (None, "", row["interfaceType"])
    ]
    data = {
        "records": found[(number - 1) * size : number * size],
        "total": len(found),
        "size": size,
        "current": number,
        "pages": math.ceil(len(found) / size),
    }
    return await answer(desk, wire.envelope(200, wire.WORDS[200], data))


@router.get("/client/v1/model-pricing/count")
async def price_count(desk: Up) -> Response:
    """Count the rows of the public price list."""
    kinds = [row["interfaceType"] for row in _prices()]
    data = {"all": len(kinds), "image": kinds.count("image"), "video": kinds.count("video"), "music": 0, "chat": 0}
    return await answer(desk, wire.envelope(200, wire.WORDS[200], data))


def _count(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31:
        return value
    raise RefusedError(wire.Refusal(400, "pageNum and pageSize are required"))


def _variants(model: models.Model) -> dict[str, float]:
    """Return the prices by what they are for; "any" is named only where it stands alone."""
    return {name: amount for name, amount in model.credits.items() if name != "any" or len(model.credits) == 1}


def _provider(model: models.Model) -> str:
    return "ByteDance" if "seedream" in model.id else "Google"


def _row(model: models.Model) -> dict[str, Any]:
    prices = ", ".join(f"{amount} credits ({name})" for name, amount in _variants(model).items())
    return {
        "model": model.id,
        "slug": model.id.replace("/", "-"),
        "title": model.title,
        "provider": _provider(model),
        "taskType": [kind.format(model.kind) for kind in TASKS[model.mode]],
        "description": None,
        "pricingDesc": f"{prices} per {model.kind}",
    }


def _prices() -> list[dict[str, Any]]:
    """Return the rows of the public price list; its numbers are texts."""
    return [
        {
            "modelDescription": model.title if name == "any" else f"{model.title}, {name}",
            "interfaceType": model.kind,
            "provider": _provider(model),
            "creditPrice": str(amount),
            "creditUnit": f"per {model.kind}",
            "usdPrice": str(Decimal(str(amount)) * models.USD_PER_CREDIT),
            "falPrice": "",
            "discountRate": 0,
            "anchor": f"https://kie.ai/{model.id.replace('/', '-')}?model={model.id}",
            "discountPrice": False,
        }
        for model in models.table().values()
        for name, amount in _variants(model).items()
    ]
