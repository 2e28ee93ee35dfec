"""The words of Veo's own older path: the record and the callback of a task, in shapes of their own. Pure."""

import json
from datetime import UTC, datetime
from typing import Any

from . import wire
from .task import Task

FLAGS = {"success": 1, "fail": 3}
DONE = "Veo3.1 video generated successfully."


def record(task: Task) -> dict[str, Any]:
    """Build the `data` of record-info."""
    failed = task.outcome == "fail"
    return {
        "taskId": task.id,
        "paramJson": json.dumps(task.input, ensure_ascii=False),
        "successFlag": FLAGS.get(task.outcome or "", 0),
        "response": {"taskId": task.id} | _info(task) if task.outcome == "success" else None,
        "errorCode": int(task.fail_code or 501) if failed and (task.fail_code or "501").isdigit() else None,
        "errorMessage": task.fail_words if failed else None,
        "createTime": _clock(task.created_ms),
        "completeTime": None if task.ended_ms is None else _clock(task.ended_ms),
        "fallbackFlag": False,
    }


def callback_body(task: Task) -> dict[str, Any]:
    """Build the body of a callback."""
    data: dict[str, Any] = {"taskId": task.id, "promptJson": json.dumps(task.input, ensure_ascii=False)}
    if task.outcome == "success":
        return wire.envelope(200, DONE, data | {"info": _info(task), "fallbackFlag": False})
    code = int(task.fail_code) if task.fail_code in ("400", "422", "500") else 501
    return wire.envelope(code, task.fail_words or wire.WORDS[501], data | {"fallbackFlag": False})


def _info(task: Task) -> dict[str, Any]:
    shape = task.input.get("aspect_ratio") or task.input.get("aspectRatio") or "16:9"
    originals = {"originUrls": list(task.urls)} if shape != "16:9" else {}
    return {"resultUrls": list(task.urls)} | originals | {"resolution": task.input.get("resolution") or "720p"}


def _clock(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
