"""What generateContent says: pictures among thoughts, reasons for none, usage, and errors."""

import base64
import io
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse
from PIL import Image

from . import faults
from . import gemini_rules as rules
from .task import Task

GOOGLE = "type.googleapis.com/google.rpc."
DRAFT_SIDE = 256  # pixels of the draft that a thinking model shows
NOTE = "Here is the picture you asked for."
BLOCKED = "The prompt was blocked."
QUOTA = "You exceeded your current quota, please check your plan and billing details."
ERRORS: dict[str, tuple[int, str, str]] = {
    "400": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "401": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "402": (400, "FAILED_PRECONDITION", "Billing is not enabled for this project, or the account is overdue."),
    "403": (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers. Please use API Key."),
    "404": (404, "NOT_FOUND", "The model is not found or not available to this project."),
    "429": (429, "RESOURCE_EXHAUSTED", QUOTA),  # seen by others: the same words for a minute and for a day
    "433": (429, "RESOURCE_EXHAUSTED", QUOTA),
    "500": (500, "INTERNAL", "An internal error has occurred. Please retry or report in the forum."),
    "503": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "504": (504, "DEADLINE_EXCEEDED", "The request timed out. Please try again."),
}
SAME = {"422": "400", "455": "503", "501": "500", "505": "404"}  # what kie says under other numbers


def refusal(name: str) -> rules.Problem:
    """Return the error of a number (401 402 403 404 429 433 500 503 504) or of a status by name."""
    by_name = next((number for number, (_, status, _) in ERRORS.items() if status == name), "500")
    number = SAME.get(name, name)
    code, status, words = ERRORS.get(number, ERRORS[by_name])
    details: tuple[dict[str, Any], ...] = ()
    if number == "401":
        reason: dict[str, Any] = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        details = ({"@type": f"{GOOGLE}ErrorInfo"} | reason,)
    elif status == "RESOURCE_EXHAUSTED":
        span = "Day" if number == "433" else "Minute"
        violations = [{"quotaId": f"GenerateRequestsPer{span}PerProjectPerModel"}]
        failure: dict[str, Any] = {"@type": f"{GOOGLE}QuotaFailure", "violations": violations}
        details = (failure,)
    return rules.Problem(code, status, words, details)


def error(problem: rules.Problem, struck: faults.Faults | None = None) -> JSONResponse:
    """Answer with an error; a rate limit says when to come back."""
    details, headers, words = list(problem.details), {}, problem.words
    if struck and "http_429" in struck and "quota" not in struck:
        wait = int(faults.number(struck, "http_429"))
        details.append({"@type": f"{GOOGLE}RetryInfo", "retryDelay": f"{wait}s"})
        headers, words = {"Retry-After": str(wait)}, f"{words} Please retry in {wait}s."
    told: dict[str, Any] = {"code": problem.code, "message": words, "status": problem.status}
    return JSONResponse({"error": told | ({"details": details} if details else {})}, problem.code, headers)


def listed() -> dict[str, Any]:
    """Return the list of models that take generateContent."""
    methods = {"supportedGenerationMethods": ["generateContent"]}
    return {
        "models": [{"name": f"models/{name}", "version": "001", "displayName": name} | methods for name in rules.MODELS]
    }


@dataclass(frozen=True)
class Empty:
    """An answer without a picture, and what the books say of it: a code and words."""

    body: dict[str, Any]
    reason: tuple[str, str]


def without_picture(task: Task) -> Empty | None:
    """Return the answer of a request that brings no picture: one that is blocked, empty, or asks for text alone."""
    struck, asked = task.faults, task.input
    read = _read(asked)
    usage = {"promptTokenCount": read, "totalTokenCount": read}
    named = {"modelVersion": _version(task), "responseId": task.id}
    if "policy_prompt" in struck:
        why = struck["policy_prompt"] or "PROHIBITED_CONTENT"
        feedback = {"blockReason": why, "blockReasonMessage": BLOCKED}
        return Empty({"promptFeedback": feedback, "usageMetadata": usage} | named, ("400", why))
    reason = _finish(struck)
    modalities = rules.config(asked).get("responseModalities")
    if reason is None and modalities and "IMAGE" not in modalities:
        reason = "STOP"
    if reason is None:
        return None
    candidate: dict[str, Any] = {"finishReason": reason, "index": 0}
    if reason == "STOP":
        candidate["content"] = {"role": "model", "parts": [{"text": "I can describe the picture, but not draw it."}]}
    elif "policy_output" in struck:
        candidate["finishMessage"] = "Unable to show the generated image."
    return Empty({"candidates": [candidate], "usageMetadata": usage} | named, ("501", reason))


def _finish(struck: faults.Faults) -> str | None:
    """Return the finishReason that a fault asks for in place of a picture."""
    if "policy_output" in struck:
        return struck["policy_output"] or "IMAGE_SAFETY"
    return struck.get("finish_reason") or struck.get("no_image")


def _version(task: Task) -> str:
    return task.faults.get("model_version", task.model)


def _read(asked: dict[str, Any]) -> int:
    """Return the tokens of the request."""
    return max(len(rules.prompt(asked)) // 4, 1) + rules.PICTURE_TOKENS * len(rules.references(asked))


def picture_answer(task: Task, model: rules.Model, files: list[bytes], draft: Path) -> tuple[dict[str, Any], Decimal]:
    """Return the body of an answer with pictures, and what they cost in credits."""
    asked = task.input
    mime = f"image/{model.format}"
    speaks = "TEXT" in (rules.config(asked).get("responseModalities") or ("TEXT", "IMAGE"))
    drawn = model.tokens[rules.size_name(asked)] * len(files)
    thoughts = 200 + int(task.id[-2:], 16) if model.thinks else 0
    said, read = len(NOTE) // 4 if speaks else 0, _read(asked)
    parts = _thoughts(draft) if model.thinks else []
    parts += [{"text": NOTE}] if speaks else []
    parts += [{"inlineData": {"mimeType": mime, "data": base64.b64encode(raw).decode()}} for raw in files]
    if "bare" in task.faults:
        # Nothing is said of tokens, so what is owed is what the price list says of a picture.
        said_alone = {"candidates": [{"content": {"parts": parts}}], "responseId": task.id}
        return said_alone, rules.credits_for(model, drawn=drawn, written=0, read=0)
    usage: dict[str, Any] = {"promptTokenCount": read, "candidatesTokenCount": drawn + said}
    usage |= {"thoughtsTokenCount": thoughts} if thoughts else {}
    usage |= {"totalTokenCount": read + drawn + said + thoughts}
    spent = (("IMAGE", drawn), ("TEXT", said))
    usage["candidatesTokensDetails"] = [{"modality": name, "tokenCount": count} for name, count in spent if count]
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    body: dict[str, Any] = {"candidates": [candidate], "usageMetadata": usage}
    body |= {"modelVersion": _version(task), "responseId": task.id}
    return _misshapen(body, task.faults), rules.credits_for(model, drawn=drawn, written=said + thoughts, read=read)


def _thoughts(path: Path) -> list[dict[str, Any]]:
    """Return what a thinking model lets be seen of its way: a sentence, and a small draft that is not the result."""
    with Image.open(path) as picture:
        picture.draft("RGB", (DRAFT_SIDE, DRAFT_SIDE))
        small = picture.convert("RGB")
    small.thumbnail((DRAFT_SIDE, DRAFT_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=60)
    draft = {"mimeType": "image/jpeg", "data": base64.b64encode(buffer.getvalue()).decode()}
    return [{"text": "**A first draft** of the scene.", "thought": True}, {"inlineData": draft, "thought": True}]


def _misshapen(body: dict[str, Any], struck: faults.Faults) -> dict[str, Any]:
    """Return the body with the odd types and unknown fields that faults ask for."""
    (candidate,) = body["candidates"]
    if "odd_types" in struck:
        body["usageMetadata"] = _as_text(body["usageMetadata"])
        candidate["content"]["parts"] = [_snake(part) for part in candidate["content"]["parts"]]
    if "extra_fields" in struck:
        for place in (body, candidate, candidate["content"], body["usageMetadata"], *candidate["content"]["parts"]):
            place["aFieldFromNextYear"] = {"nested": [1, None, "x"]}
    return body


def _as_text(value: Any) -> Any:
    """Return the value with its numbers written as text, as JSON readers of 64 bit do."""
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value) if isinstance(value, int) else value


def _snake(part: dict[str, Any]) -> dict[str, Any]:
    inline = part.get("inlineData")
    rest = {name: value for name, value in part.items() if name != "inlineData"}
    return rest | ({"inline_data": {"mime_type": inline["mimeType"], "data": inline["data"]}} if inline else {})
