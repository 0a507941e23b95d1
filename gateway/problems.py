"""Errors as `application/problem+json` (RFC 9457): what was wrong, and in `errors` which field."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from sais.errors import (
    AccountConflict,
    Forbidden,
    InfrastructureError,
    InputError,
    QueueFull,
    SaisError,
    Unauthorized,
    UnknownAccount,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
# A body of 10,000 wrong images has 20,000 errors.
MOST_ERRORS = 20
# The first class that fits; a wrong key and an unknown root look the same.
STATUSES: tuple[tuple[type[SaisError], HTTPStatus], ...] = (
    (UnknownAccount, HTTPStatus.UNAUTHORIZED),
    (Unauthorized, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (AccountConflict, HTTPStatus.CONFLICT),
    (QueueFull, HTTPStatus.TOO_MANY_REQUESTS),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (InfrastructureError, HTTPStatus.SERVICE_UNAVAILABLE),
    (SaisError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


def problem(
    status: int,
    detail: str = "",
    *,
    title: str | None = None,
    errors: Sequence[dict[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """`title` without one is the status' own name."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def busy(detail: str) -> JSONResponse:
    return problem(503, detail, title="server busy", headers={"Retry-After": str(RETRY_SECONDS)})


def add_handlers(application: FastAPI) -> None:
    application.add_exception_handler(SaisError, _sais_error)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(HTTPException, _http_error)
    application.add_exception_handler(DBAPIError, _database_error)
    application.add_exception_handler(PoolTimeout, _database_error)
    application.add_exception_handler(Exception, _bug)


async def _sais_error(request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    if not isinstance(error, InputError):
        # Its words may name folders and hosts of this machine.
        log.error("%s %s: %s", request.method, request.url.path, error)
        return busy("a storage does not answer") if status == HTTPStatus.SERVICE_UNAVAILABLE else problem(status)
    if status == HTTPStatus.UNAUTHORIZED:
        words = str(error) if isinstance(error, Unauthorized) else "unknown account, or wrong key"
        return problem(status, words, headers={"WWW-Authenticate": "Bearer"})
    errors = [{"field": error.field, "detail": str(error)}] if error.field else []
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, QueueFull) else None
    return problem(status, str(error), errors=errors, headers=headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Without the values: they may be keys."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for nothing else
    found = error.errors()
    errors = [{"field": _field(one["loc"]), "detail": str(one["msg"])} for one in found[:MOST_ERRORS]]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return problem(422, f"{errors[0]['field']}: {errors[0]['detail']}{more}", errors=errors)


def _field(location: Sequence[int | str]) -> str:
    """`images.3.url`: where in the body, the query or the path, without saying which of them."""
    return ".".join(map(str, location[1:])) or str(location[0])


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for nothing else
    detail = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    return problem(error.status_code, detail, headers=dict(error.headers or {}))


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s: the database: %s", request.method, request.url.path, error)
    return busy("the database does not answer")


async def _bug(request: Request, error: Exception) -> JSONResponse:
    """The server logs the traceback; the client learns nothing of it but the id to ask us about.

    This answer is made outside all middleware, so it brings the header itself.
    """
    request_id = getattr(request.state, "request_id", None)
    headers = {"X-Request-Id": request_id} if request_id else None
    return problem(500, "this is our fault; the log has more", headers=headers)
