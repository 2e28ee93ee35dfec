"""What images/generations says: items with a link or the bytes, errors among them, usage, and errors."""

import base64
import time
from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse
from PIL import Image

from . import ark_rules as rules
from . import direct, faults
from .task import Task

TYPES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    500: "InternalServerError",
}
_SENSITIVE = "The request failed because the {} may contain sensitive information."
_LATER = "{} Please try again later."
ERRORS: dict[str, tuple[int, str]] = {
    "MissingParameter": (400, "The request is missing a required parameter."),
    "InvalidParameter": (400, "A parameter specified in the request is not valid."),
    "InputTextSensitiveContentDetected": (400, _SENSITIVE.format("input text")),
    "InputImageSensitiveContentDetected": (400, _SENSITIVE.format("input image")),
    "OutputImageSensitiveContentDetected": (400, _SENSITIVE.format("output image")),
    "InputTextRiskDetection": (400, "The request failed because the input text may carry a risk."),
    "AuthenticationError": (401, "The API key in the request is missing or invalid."),
    "AccountOverdueError": (403, "Your account has an overdue balance. Please settle it in the console."),
    "AccessDenied": (403, "You do not have access to this resource."),
    "InvalidEndpointOrModel.NotFound": (404, "The model or endpoint does not exist or you have no access to it."),
    "ModelNotOpen": (404, "Your account has not activated the model. Please activate it in the console."),
    "ModelAccountIpmRateLimitExceeded": (429, _LATER.format("The images per minute of this model are used up.")),
    "ModelAccountRpmRateLimitExceeded": (429, _LATER.format("The requests per minute of this model are used up.")),
    "AccountRateLimitExceeded": (429, _LATER.format("The rate limit of the account is exceeded.")),
    "RequestBurstTooFast": (429, _LATER.format("The requests rise too fast.")),
    "InflightBatchsizeExceeded": (429, _LATER.format("Too many requests are under way.")),
    "ServerOverloaded": (429, _LATER.format("The service is overloaded.")),
    "SetLimitExceeded": (429, "Your account has reached the limit that was set for this model; it is paused."),
    "QuotaExceeded": (429, "Your account has used up its quota for this model."),
    "InternalServiceError": (500, "The service encountered an unexpected internal error."),
}
NUMBERS = {"400": "InvalidParameter", "401": "AuthenticationError", "402": "AccountOverdueError", "403": "AccessDenied",
           "404": "ModelNotOpen", "422": "InvalidParameter", "429": "ModelAccountIpmRateLimitExceeded",
           "433": "QuotaExceeded", "455": "ServerOverloaded", "500": "InternalServiceError", "503": "ServerOverloaded",
           "505": "InvalidEndpointOrModel.NotFound"}  # fmt: skip


def refusal(name: str) -> rules.Problem:
    """Return the error of a number, as kie has them, or of a code by name; an unknown one of a known kind is itself."""
    code = NUMBERS.get(name, name)
    if "SensitiveContentDetected" in code or code.endswith("RiskDetection"):
        return rules.Problem(400, code, ERRORS.get(code, ERRORS["OutputImageSensitiveContentDetected"])[1])
    known = code if code in ERRORS else "InternalServiceError"
    return rules.Problem(ERRORS[known][0], known, ERRORS[known][1])


def error(problem: rules.Problem, request_id: str, struck: faults.Faults | None = None) -> JSONResponse:
    """Answer with an error; a rate limit that a fault asked for says when to come back."""
    headers = {"x-request-id": request_id}
    if struck and "http_429" in struck and "quota" not in struck:
        headers["Retry-After"] = str(int(faults.number(struck, "http_429")))
    words = f"{problem.words} Request id: {request_id}"
    told = {"code": problem.code, "message": words, "param": problem.param, "type": TYPES[problem.status]}
    return JSONResponse({"error": told}, problem.status, headers)


def item_error(struck: faults.Faults) -> dict[str, Any]:
    """Return the item that stands in place of a picture."""
    problem = refusal(struck["item_error"])
    return {"error": {"code": problem.code, "message": problem.words}}


def item(task: Task, url: str, path: Path) -> dict[str, Any]:
    """Return the item of one picture: its link, or its bytes where they were asked for."""
    inside = task.input.get("response_format") == "b64_json"
    found = {"b64_json": base64.b64encode(direct.inside(task, path)).decode()} if inside else {"url": url}
    if "bare" in task.faults:
        return found
    with Image.open(path) as picture:
        found["size"] = f"{picture.width}x{picture.height}"
    model = rules.MODELS[task.model]
    if "output_format" in model.extra:
        found["output_format"] = rules.picture_format(model, task.input)
    return found


def picture_answer(task: Task, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the body of an answer, with the odd types and unknown fields that faults ask for."""
    struck = task.faults
    if "bare" in struck:
        return {"data": items}
    sizes = [entry["size"].split("x") for entry in items if "size" in entry]
    tokens = sum(int(width) * int(height) for width, height in sizes) // 256
    usage: dict[str, Any] = {"generated_images": len(sizes), "output_tokens": tokens, "total_tokens": tokens}
    if rules.MODELS[task.model].counts_references:
        usage["input_images"] = len(rules.references(task.input))
    created = int(time.time())
    body = {"model": struck.get("model_version", task.model), "created": created, "data": items, "usage": usage}
    if "odd_types" in struck:
        body |= {"created": str(created), "usage": {name: str(count) for name, count in usage.items()}}
        for entry in items:
            entry.update({"size": None} if "size" in entry else {})
    if "extra_fields" in struck:
        for place in (body, usage, *items):
            place["a_field_from_next_year"] = {"nested": [1, None, "x"]}
    return body
