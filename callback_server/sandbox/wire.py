"""The gateway's words: envelopes, record bodies and the webhook signature, as its public documents give them."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi.responses import HTMLResponse, JSONResponse, Response

from .task import Task

UNKNOWN_MODEL = (
    "The model name you specified is not supported. Please verify your input and use one of the supported models "
    "provided by KIE."
)
PAUSED = "This interface is temporarily paused."
NO_RECORD = "recordInfo is null"
WORDS: dict[int, str] = {
    200: "success",
    400: "taskId parameter is required",
    401: "You do not have access permissions",
    402: "Credits insufficient. The current balance is not enough to run this request, please top up.",
    404: "Not Found",
    408: "Upstream timeout: no answer for more than 10 minutes.",
    422: UNKNOWN_MODEL,
    429: "Rate limit exceeded. Too many requests, please try again later.",
    433: "The usage limit of this API key has been reached.",
    455: "The service is under maintenance, please try again later.",
    500: "Server exception, please try again later or contact customer service",
    501: "Generation failed.",
    505: "This feature is currently disabled.",
}
FAIL_WORDS: dict[str, str] = {
    "400": "Your prompt was flagged as violating the content policy of the model. Please change it and try again.",
    "402": WORDS[402],
    "408": WORDS[408],
    "451": "Failed to fetch the image. Kindly verify any access limits set by you or your service provider.",
    "500": "Internal server error",
    "501": "The model could not generate an image from this request.",
}
SUCCESS_FLAGS = {"success": 1, "fail": 3}


@dataclass(frozen=True)
class Refusal:
    """A request that is answered with a body code other than 200; nothing was made, nothing is charged."""

    code: int
    words: str = field(default="")


def envelope(code: int, words: str, data: Any, *, playground: bool = False) -> dict[str, Any]:
    """Wrap an answer; the 2025 playground wrote `message` where the jobs API writes `msg`."""
    return {"code": code, "message" if playground else "msg": words, "data": data}


def answer(body: dict[str, Any], *, mirror: bool) -> JSONResponse:
    """Send an envelope: HTTP 200 whatever the body says, unless the HTTP status is to repeat the body code."""
    code = int(body["code"])
    known = code in {status.value for status in HTTPStatus}
    return JSONResponse(body, status_code=code if mirror and (known or code in WORDS) else 200)


def broken(status: int) -> Response:
    """Answer as a proxy in front of a broken server does: an HTML page, no envelope."""
    phrase = HTTPStatus(status).phrase if status in {item.value for item in HTTPStatus} else "Error"
    page = f"<html><head><title>{status} {phrase}</title></head><body><h1>{status} {phrase}</h1></body></html>"
    return HTMLResponse(page, status_code=status)


def signature(key: str, task_id: str, timestamp: str) -> str:
    """Sign a callback: base64 of HMAC-SHA256 over `taskId.timestamp`. The body is not covered, as documented."""
    digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def param(task: Task) -> str:
    """Repeat the create request as JSON text in which `input` is again JSON text, or an object where a fault asks."""
    asked: Any = task.input if "param_object" in task.faults else json.dumps(task.input, ensure_ascii=False)
    return json.dumps({"input": asked, "callBackUrl": task.callback_url, "model": task.model}, ensure_ascii=False)


def record(task: Task, now_ms: int) -> dict[str, Any]:
    """Build the `data` of recordInfo for a task as it stands at `now_ms`."""
    state = task.state(now_ms)
    ended = state in SUCCESS_FLAGS
    empty = "" if "empty_strings" in task.faults else None
    data: dict[str, Any] = {
        "taskId": task.id,
        "model": task.model,
        "state": state,
        "successFlag": SUCCESS_FLAGS.get(state, 0),
        "param": param(task),
        "resultJson": empty,
        "response": None,
        "failCode": empty,
        "failMsg": empty,
        "costTime": None,
        "createTime": task.created_ms,
        "updateTime": task.ended_ms or task.created_ms,
        "completeTime": None,
    }
    if ended and task.ended_ms is not None:
        spent = task.ended_ms - task.created_ms
        data |= {"completeTime": task.ended_ms, "costTime": spent if "cost_ms" in task.faults else spent // 1000}
        data["creditsConsumed"] = task.charged
    if state == "success":
        data |= {
            "resultJson": json.dumps({"resultUrls": task.urls}, separators=(",", ":")),
            "response": {"resultUrls": list(task.urls)},
        }
    elif state == "fail":
        data |= {"failCode": task.fail_code, "failMsg": task.fail_words}
    if "bare" in task.faults:  # the documents list the record without these three
        for name in ("successFlag", "response", "creditsConsumed"):
            data.pop(name, None)
    return data


def callback_body(task: Task, now_ms: int, balance: float) -> dict[str, Any]:
    """Build the body of a callback: the record in an envelope with the callback's own code and words."""
    data = record(task, now_ms)
    for name in ("successFlag", "response"):
        data.pop(name, None)
    if task.playground:
        data.pop("creditsConsumed", None)
        data |= {"consumeCredits": task.charged, "remainedCredits": balance}
    if data["state"] == "success":
        data.pop("failCode"), data.pop("failMsg")
        return envelope(200, "Playground task completed successfully.", data, playground=task.playground)
    data.pop("resultJson")
    code = 400 if task.fail_code == "400" else 501
    return envelope(code, "Playground task failed.", data, playground=task.playground)
