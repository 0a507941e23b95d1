"""What `/openapi.json` says beyond what FastAPI finds out: problems, and where else a key may stand."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.json_bodies import MOST_BYTES
from gateway.problems import MEDIA_TYPE

_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
# Any operation may answer with these.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "What is wrong with the request", "content": _CONTENT},
    "503": {
        "description": "Busy, or a part of the server does not answer",
        "headers": {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
        "content": _CONTENT,
    },
}
_BYTES = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
THUMB_ANSWERS: dict[int | str, dict[str, Any]] = {
    "200": {"description": "The thumb", "content": _BYTES},
    "206": {"description": "The range that was asked for", "content": _BYTES},
    "302": {"description": "Its address in the storage, where thumbs are not sent on by the gateway"},
    "304": {"description": "What the client has is the same"},
}
PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457; `errors` names each bad field",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
BASIC: dict[str, list[str]] = {"HTTPBasic": []}
REQUEST_ID = {"description": "Follows what the request causes", "schema": {"type": "string"}}


def describe(application: FastAPI) -> None:
    """Replaces `application.openapi`; the document is made once, when it is first asked for."""

    def document() -> dict[str, Any]:
        if application.openapi_schema is None:
            application.openapi_schema = _completed(
                get_openapi(
                    title=application.title,
                    version=application.version,
                    summary=application.summary,
                    routes=application.routes,
                )
            )
        return application.openapi_schema

    application.openapi = document  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for path in document["paths"].values():
        for operation in path.values():
            _tell_other_ways(operation, schemas)
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                operation["requestBody"]["description"] = f"At most {MOST_BYTES} bytes, nested at most 200 deep"
            for answer in operation["responses"].values():
                answer.setdefault("headers", {})["X-Request-Id"] = REQUEST_ID
    return document


def _tell_other_ways(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Without a header: the key stands in the body, or the gateway listens on loopback only."""
    security = operation.get("security")
    if security and (BASIC in security or "apiKey" in _body_properties(operation, schemas)):
        security.append({})


def _body_properties(operation: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """The names in the operation's body: with `apiKey` among them, the key may be there and not in a header."""
    names: set[str] = set()
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content.get("schema", {})
        for option in (schema, *schema.get("anyOf", ())):
            named = schemas.get(option.get("$ref", "").rpartition("/")[2], option)
            names.update(named.get("properties", ()))
    return names
