"""Errors of a tool, told as REST tells them: the same problem object, by the same handlers."""

import json
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError


async def problem_of(request: Request, error: Exception) -> dict[str, Any]:
    """`type, title, status, detail`, and `errors` for bad fields, as in `application/problem+json`."""
    if isinstance(error, ValidationError):
        # The first part of a location is where in the request it is; handlers leave it out.
        found = [{**one, "loc": ("arguments", *one["loc"])} for one in error.errors(include_url=False)]
        error = RequestValidationError(found)
    handlers = request.app.exception_handlers
    handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
    answer = await handler(request, error)
    problem: dict[str, Any] = json.loads(answer.body)
    return problem
