"""Every "no" of this server in one shape: `{"error": {"code", "field", "message"}}`, and which exception means which.

`code` is stable and for programs, `field` names the input at fault or is null, `message` is a sentence for a person.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException
from starlette.responses import Response

from data.errors import (
    BudgetExceeded,
    DatabaseUnavailable,
    InvalidRequest,
    NotAllowed,
    NotFound,
    PictureDeskError,
    StorageError,
)

log = logging.getLogger(__name__)

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


class Fault(BaseModel):
    """What is wrong."""

    code: str
    field: str | None = None
    message: str


class Refusal(BaseModel):
    """The body of every answer that is not 2xx or 304."""

    error: Fault


class Refused(PictureDeskError):  # noqa: N818 - reads as the answer it is
    """A request that ends here. `status` is the HTTP status; nothing was changed and nothing was charged."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` are added to the answer."""
        super().__init__(message)
        self.status, self.code, self.field, self.headers = status, code, field, headers


def refusal(
    status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer itself."""
    body = Refusal(error=Fault(code=code, field=field, message=message))
    return JSONResponse(body.model_dump(), status, headers)


def shape_fault(problems: Sequence[Any]) -> Refused:
    """The first of Pydantic's errors as our 422: the field's path, a code of ours, a sentence."""
    codes = {"missing": "missing", "extra_forbidden": "unknown_field"}
    first = problems[0]
    kind = str(first["type"])
    code = codes.get(kind) or ("wrong_type" if kind.endswith("_type") else "out_of_range")
    field = ".".join(str(step) for step in first["loc"]) or "body"
    said = {"missing": "is missing", "extra_forbidden": "is not known here"}.get(kind) or f"is wrong: {first['msg']}"
    field = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in field[:60])
    return Refused(422, code, f"“{field}” {said}. Nothing was charged.", field=field)


async def _refused(_: Request, error: Refused) -> Response:
    return refusal(error.status, error.code, str(error), error.field, error.headers)


async def _invalid(_: Request, error: InvalidRequest) -> Response:
    return refusal(422, error.code, str(error), error.field)


async def _misshapen(_: Request, error: RequestValidationError) -> Response:
    fault = shape_fault([problem | {"loc": problem["loc"][1:]} for problem in error.errors()])
    return refusal(fault.status, fault.code, str(fault), fault.field)


async def _http(_: Request, error: HTTPException) -> Response:
    codes = {404: "not_found", 405: "method_not_allowed"}
    code = codes.get(error.status_code, "refused")
    return refusal(error.status_code, code, f"{error.detail}.", headers=error.headers)


async def _not_found(_: Request, error: NotFound) -> Response:
    return refusal(404, "not_found", str(error))


async def _not_allowed(_: Request, error: NotAllowed) -> Response:
    return refusal(409, "not_allowed", str(error))


async def _too_dear(_: Request, error: BudgetExceeded) -> Response:
    return refusal(409, "budget_exceeded", str(error))


async def _our_disk(_: Request, error: StorageError) -> Response:
    log.error("storage: %s", error)
    return refusal(503, "storage", str(error), headers={"Retry-After": "10"})


async def _our_database(_: Request, error: Exception) -> Response:
    log.error("database: %s", error)
    message = "The database does not answer. Try again: with the same Idempotency-Key nothing is made twice."
    return refusal(503, "database", message, headers={"Retry-After": "5"})


HANDLERS: dict[int | type[Exception], Handler] = {
    Refused: _refused,
    InvalidRequest: _invalid,
    RequestValidationError: _misshapen,
    HTTPException: _http,
    NotFound: _not_found,
    BudgetExceeded: _too_dear,
    NotAllowed: _not_allowed,
    StorageError: _our_disk,
    DatabaseUnavailable: _our_database,
    OperationalError: _our_database,
    InterfaceError: _our_database,
    NoConnectionFree: _our_database,
}
