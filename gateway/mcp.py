"""`/mcp`: MCP over streamable HTTP by the official SDK, and plain JSON-RPC for those who never initialize."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from starlette.types import Message, Receive, Scope, Send

from gateway.json_bodies import MOST_BYTES, JsonRoute, parse
from gateway.keys import BearerToken
from gateway.rpc import INVALID_PARAMS, ONE_ANSWER, RPC_ANSWERS, RPC_BODY, rpc_error, rpc_response
from gateway.state import State
from gateway.tools import TOOLS, Caller, find_tool
from gateway.tools.results import tool_result
from gateway.tools.senders import allowed_senders, check_sender
from sais.settings import Settings

router = APIRouter(tags=["tools"], route_class=JsonRoute)
# A line for each session, with its id, is too much.
logging.getLogger("mcp").setLevel(logging.WARNING)

# Nothing is kept in a session but the protocol's own state.
MOST_SESSIONS = 1_000

SESSION = {"name": "Mcp-Session-Id", "in": "header", "required": True, "schema": {"type": "string"}}
SESSION_SCHEMA = {"parameters": [SESSION], "security": [{}]}
REFUSED: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "What is wrong with the request; in a session, as an error of JSON-RPC",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            "application/json": {"schema": ONE_ANSWER},
        },
    }
}


class EventStream(Response):
    media_type = "text/event-stream"


class McpAnswer(Response):
    """What the SDK answers; the body was read to see whose it is, and is handed on."""

    def __init__(self, manager: StreamableHTTPSessionManager, body: bytes) -> None:
        super().__init__()
        self._manager = manager
        self._given: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def replay() -> Message:
            return self._given.pop() if self._given else await receive()

        await self._manager.handle_request(scope, replay, send)


@router.post("/mcp", openapi_extra=RPC_BODY, responses=RPC_ANSWERS | REFUSED, response_class=JSONResponse)
async def post_mcp(request: Request, token: BearerToken, state: State) -> Response:
    """MCP over streamable HTTP; a plain JSON-RPC request works as at `/tools`."""
    check_sender(request, state.settings)
    body = await request.body()
    if not _is_mcp(request, body):
        return await rpc_response(request, body, Caller(state, token))
    return _from_sdk(request, token, body)


@router.get("/mcp", openapi_extra=SESSION_SCHEMA, responses=REFUSED, response_class=EventStream)
async def listen_mcp(request: Request, token: BearerToken, state: State) -> Response:
    """What the gateway says in a session without being asked, as server-sent events."""
    check_sender(request, state.settings)
    return _from_sdk(request, token, b"")


@router.delete("/mcp", openapi_extra=SESSION_SCHEMA, responses=REFUSED)
async def end_mcp(request: Request, token: BearerToken, state: State) -> Response:
    """Ends a session."""
    check_sender(request, state.settings)
    return _from_sdk(request, token, b"")


def _from_sdk(request: Request, token: str | None, body: bytes) -> Response:
    request.state.token = token
    return McpAnswer(request.app.state.mcp, body)


def _is_mcp(request: Request, body: bytes) -> bool:
    """A body that is no JSON is plain: the plain answer says so."""
    headers = request.headers
    try:
        message = parse(body)
    except ValueError:
        return False
    return (
        "mcp-session-id" in headers
        or "mcp-protocol-version" in headers
        or "text/event-stream" in headers.get("accept", "")
        or (isinstance(message, dict) and message.get("method") == "initialize")
    )


@asynccontextmanager
async def mcp_sessions(settings: Settings, version: str) -> AsyncIterator[StreamableHTTPSessionManager]:
    """For as long as the gateway serves. The SDK's cancel scope must be left in the task that entered it, and an
    application may be ended by another task than the one that started it: so it has a task of its own."""
    manager = StreamableHTTPSessionManager(
        Server("sais", version=version, on_list_tools=list_tools, on_call_tool=call_tool),
        json_response=True,
        # A session lives in one process, and the next request may come to another.
        stateless=settings.gateway_workers > 1,
        security_settings=allowed_senders(settings),
        max_request_body_size=MOST_BYTES,
        max_sessions=MOST_SESSIONS,
    )
    ready, over = asyncio.Event(), asyncio.Event()

    async def keep() -> None:
        async with manager.run():
            ready.set()
            await over.wait()

    task = asyncio.create_task(keep())
    await ready.wait()
    try:
        yield manager
    finally:
        over.set()
        await task


async def list_tools(
    context: ServerRequestContext[Any, Request], page: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    return types.ListToolsResult(
        tools=[types.Tool(name=tool.name, description=tool.description, input_schema=tool.schema) for tool in TOOLS]
    )


async def call_tool(
    context: ServerRequestContext[Any, Request], params: types.CallToolRequestParams
) -> types.CallToolResult:
    """Trouble of a tool is a result that says so: the model reads it and corrects itself."""
    tool, request = find_tool(params.name), context.request
    if tool is None or request is None:
        raise MCPError(INVALID_PARAMS, f"there is no tool {params.name[:60]!r}; ask tools/list")
    try:
        value = await tool.call(Caller(request.app.state.gateway, request.state.token), params.arguments or {})
    except Exception as error:
        told = await rpc_error(request, error)
        return types.CallToolResult.model_validate(tool_result(dict(told.data or {}), is_error=True))
    return types.CallToolResult.model_validate(tool_result(value))
