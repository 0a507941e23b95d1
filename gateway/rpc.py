"""JSON-RPC 2.0 (`POST /tools`): `tools/list`, `tools/call`, and each tool as the method `tools/NAME`."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.json_bodies import JsonRoute, parse
from gateway.keys import BearerToken
from gateway.state import State
from gateway.tools import TOOLS, Caller, find_tool
from gateway.tools.problems import problem_of
from gateway.tools.results import tool_result
from gateway.tools.senders import check_sender

router = APIRouter(tags=["tools"], route_class=JsonRoute)
log = logging.getLogger(__name__)

# Each may be a dispatch of 10,000 images.
MOST_REQUESTS = 100

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
NOT_ALLOWED = -32001


class RpcError(Exception):
    """`data` goes along, for programs."""

    def __init__(self, code: int, message: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


ONE_REQUEST = {
    "type": "object",
    "required": ["jsonrpc", "method"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "method": {"type": "string"},
        "params": {"type": "object"},
        "id": {"type": ["string", "number", "null"]},
    },
}
ONE_ANSWER = {
    "type": "object",
    "required": ["jsonrpc", "id"],
    "properties": {"jsonrpc": {"const": "2.0"}, "id": {}, "result": {}, "error": {"type": "object"}},
}
# The key may be in a tool's arguments, and not every tool needs one.
RPC_BODY: dict[str, Any] = {
    "security": [{}],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"anyOf": [ONE_REQUEST, {"type": "array", "items": ONE_REQUEST}]}}},
    },
}
RPC_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer, or a list of answers",
        "content": {"application/json": {"schema": {"anyOf": [ONE_ANSWER, {"type": "array", "items": ONE_ANSWER}]}}},
    },
    202: {"description": "Only notifications: there is nothing to say"},
}


@router.post("/tools", openapi_extra=RPC_BODY, responses=RPC_ANSWERS, response_class=JSONResponse)
async def tools(request: Request, token: BearerToken, state: State) -> Response:
    """JSON-RPC 2.0, one request or a list of them: `tools/list`, `tools/call`, `tools/NAME`."""
    check_sender(request, state.settings)
    return await rpc_response(request, await request.body(), Caller(state, token))


async def rpc_response(request: Request, body: bytes, caller: Caller) -> Response:
    """An error of a request is an answer with status 200, as JSON-RPC over HTTP has it."""
    try:
        message = parse(body)
    except ValueError as error:
        return JSONResponse(failure(None, RpcError(PARSE_ERROR, f"this is not usable JSON: {error}")))
    answer = (
        await answer_all(request, message, caller)
        if isinstance(message, list)
        else await answer_one(request, message, caller)
    )
    return Response(status_code=HTTPStatus.ACCEPTED) if answer is None else JSONResponse(answer)


async def answer_all(
    request: Request, messages: list[Any], caller: Caller
) -> list[dict[str, Any]] | dict[str, Any] | None:
    """One after the other: a dispatch may need the account that comes before it."""
    if not 0 < len(messages) <= MOST_REQUESTS:
        return failure(None, RpcError(INVALID_REQUEST, f"a batch has 1 to {MOST_REQUESTS} requests"))
    answers = [await answer_one(request, message, caller) for message in messages]
    return [answer for answer in answers if answer is not None] or None


async def answer_one(request: Request, message: Any, caller: Caller) -> dict[str, Any] | None:
    """None for a notification of MCP. Any other request is answered, with the id null when it has none."""
    try:
        name, method, params = read_request(message)
        if method.startswith("notifications/") and "id" not in message:
            return None
        result = await call_method(method, params, caller)
    except RpcError as error:
        return failure(identity_of(message), error)
    except Exception as error:
        return failure(identity_of(message), await rpc_error(request, error))
    return {"jsonrpc": "2.0", "id": name, "result": result}


def read_request(message: Any) -> tuple[str | float | None, str, dict[str, Any]]:
    """Its id, method and params. Raises RpcError."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        raise RpcError(INVALID_REQUEST, 'a request is {"jsonrpc": "2.0", "method": "…", "params": {…}, "id": …}')
    if message.get("id") is not None and identity_of(message) is None:
        raise RpcError(INVALID_REQUEST, "an id is a string or a number")
    params = message.get("params")
    if params is not None and not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params is an object with named arguments")
    return identity_of(message), message["method"], params or {}


def identity_of(message: Any) -> str | float | None:
    name = message.get("id") if isinstance(message, dict) else None
    return name if isinstance(name, str | int | float) and not isinstance(name, bool) else None


async def call_method(method: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Raises RpcError, and whatever a tool raises."""
    if method == "ping":
        return {}
    if method == "tools/list":
        return {
            "tools": [
                {"name": tool.name, "description": tool.description, "inputSchema": tool.schema} for tool in TOOLS
            ]
        }
    if method == "tools/call":
        return tool_result(await _call_tool(params, caller))
    tool = find_tool(method.removeprefix("tools/")) if method.startswith("tools/") else None
    if tool is None:
        raise RpcError(METHOD_NOT_FOUND, f"there is no method {method[:60]!r}; ask tools/list")
    return await tool.call(caller, params)


async def _call_tool(params: dict[str, Any], caller: Caller) -> dict[str, Any]:
    tool, arguments = find_tool(params.get("name")), params.get("arguments")
    if tool is None:
        raise RpcError(INVALID_PARAMS, f"name: there is no tool {str(params.get('name'))[:60]!r}; ask tools/list")
    if arguments is not None and not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, "arguments is an object")
    return await tool.call(caller, arguments or {})


async def rpc_error(request: Request, error: Exception) -> RpcError:
    """With the problem that REST would have answered as its data."""
    problem = await problem_of(request, error)
    status = problem["status"]
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("a tool failed", exc_info=error)
    code = INVALID_PARAMS
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        code = NOT_ALLOWED
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        code = INTERNAL_ERROR
    return RpcError(code, problem["detail"] or problem["title"], problem)


def failure(identity: str | float | None, error: RpcError) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.code, "message": str(error)}
    if error.data is not None:
        told["data"] = dict(error.data)
    return {"jsonrpc": "2.0", "id": identity, "error": told}
