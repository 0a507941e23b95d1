"""`/docs`: the API as a page of our own, from the schema of `/openapi.json`, with nothing fetched from elsewhere."""

import json
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from gateway.rendering import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Operation:
    """One method of one path; `body` and `answers` as JSON schemas, readable."""

    method: str
    path: str
    words: str
    parameters: list[dict[str, Any]]
    body: str
    key: bool


@router.get("/docs")
async def reference(request: Request) -> HTMLResponse:
    schema = request.app.openapi()
    schemas = {name: _pretty(one) for name, one in schema.get("components", {}).get("schemas", {}).items()}
    return page("reference.html", operations=operations_of(schema), schemas=schemas)


def operations_of(schema: dict[str, Any]) -> list[Operation]:
    return [
        Operation(
            method=method.upper(),
            path=path,
            words=one.get("description") or one.get("summary") or "",
            parameters=one.get("parameters", []),
            body=_pretty(one["requestBody"]["content"]) if "requestBody" in one else "",
            key=bool(one.get("security")),
        )
        for path, methods in schema["paths"].items()
        for method, one in methods.items()
    ]


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2)
