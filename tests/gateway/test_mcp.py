"""`/mcp` with the official SDK's client, over a real server on a loopback port; and plain requests beside it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import uvicorn
from mcp.client.client import Client
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from gateway.application import create_application
from sais.configuration import Configuration
from sais.demo.loopback import listening_socket
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.prefect_stub import PrefectStub

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
MCP_ACCEPT = {"Accept": "application/json, text/event-stream"}


@dataclass(frozen=True)
class Served:
    url: str
    http: httpx.AsyncClient

    async def create(self, root: str = "museum") -> str:
        answer = await self.http.post("/account_setup", json={"root": root})
        return str(answer.json()["apiKey"])


@pytest.fixture
async def served(settings: Settings, prefect: PrefectStub) -> AsyncIterator[Served]:
    application = create_application(Configuration.from_settings(settings), PrefectSettings(api_url=prefect.url))
    with listening_socket(0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, timeout_graceful_shutdown=1))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            await http.get("/filters")
            yield Served(url, http)
        server.should_exit = True
        await task


def authorized(key: str | None) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"} if key else {}, trust_env=False)


async def test_the_official_client_in_a_session(served: Served) -> None:
    key = await served.create()
    order = {"root": "museum", "images": ["https://photos.example/1.jpg"], "filters": ["small"]}
    async with (
        authorized(key) as http,
        streamable_http_client(f"{served.url}/mcp", http_client=http) as streams,
        ClientSession(*streams) as session,
    ):
        hello = await session.initialize()
        assert hello.server_info.name == "sais"
        tools = (await session.list_tools()).tools
        plain = (await served.http.post("/mcp", json={"jsonrpc": "2.0", "method": "tools/list"})).json()["result"]
        assert [(tool.name, tool.input_schema) for tool in tools] == [
            (tool["name"], tool["inputSchema"]) for tool in plain["tools"]
        ]
        sent = await session.call_tool("dispatch_process", order)
        assert sent.is_error is False
        assert sent.structured_content["rows"][0]["marking"] == "new"
        info = await session.call_tool("get_account_info", {})
        assert info.structured_content["media"]["new"] == 1


async def test_a_tools_trouble_is_a_result_that_says_so(served: Served) -> None:
    async with (
        streamable_http_client(f"{served.url}/mcp", http_client=authorized(None)) as streams,
        ClientSession(*streams) as session,
    ):
        await session.initialize()
        stranger = await session.call_tool("get_account_info", {})
        assert (stranger.is_error, stranger.structured_content["status"]) == (True, 401)
        wrong = await session.call_tool("sum_numbers", {"numbers": "many"})
        assert wrong.structured_content["errors"][0]["field"] == "numbers"
        with pytest.raises(MCPError, match="no tool 'fly'") as unknown:
            await session.call_tool("fly", {})
        assert unknown.value.code == -32602


async def test_the_clients_of_the_next_protocol_need_no_session(served: Served) -> None:
    async with Client(f"{served.url}/mcp") as client:
        made = await client.call_tool("account_setup", {"root": "museum", "estimated": 10})
        assert made.structured_content["approxImageCount"] == 10


async def test_a_session_begins_and_ends(served: Served) -> None:
    begun = await served.http.post("/mcp", json=INITIALIZE, headers=MCP_ACCEPT)
    assert begun.status_code == 200
    session = {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"], **MCP_ACCEPT}
    ping: dict[str, Any] = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    assert (await served.http.post("/mcp", json=ping, headers=session)).json()["result"] == {}
    assert (await served.http.delete("/mcp", headers=session)).status_code == 200
    assert (await served.http.post("/mcp", json=ping, headers=session)).status_code == 404
    unknown = {"Mcp-Session-Id": "0" * 32, **MCP_ACCEPT}
    assert (await served.http.get("/mcp", headers=unknown)).status_code == 404


async def test_each_call_in_a_session_has_its_own_request_id(served: Served, prefect: PrefectStub) -> None:
    key = await served.create()
    begun = await served.http.post("/mcp", json=INITIALIZE, headers=MCP_ACCEPT | {"X-Request-Id": "begin"})
    headers = {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"], "Authorization": f"Bearer {key}", **MCP_ACCEPT}
    for number in (1, 2):
        order = {"root": "museum", "images": [f"https://photos.example/{number}.jpg"], "lane": "bulk"}
        params = {"name": "dispatch_process", "arguments": order}
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        await served.http.post("/mcp", json=message, headers=headers | {"X-Request-Id": f"call-{number}"})
    tags = [[tag for tag in run["tags"] if tag.startswith("request:")] for run in prefect.runs.values()]
    assert tags == [["request:call-1"], ["request:call-2"]]


async def test_a_plain_request_needs_neither_session_nor_accept(served: Served) -> None:
    message = {"jsonrpc": "2.0", "method": "tools/sum_numbers", "params": {"numbers": [1, 2]}}
    answer = await served.http.post("/mcp", json=message)
    assert answer.json() == {"jsonrpc": "2.0", "id": None, "result": {"sum": 3}}
    assert "Mcp-Session-Id" not in answer.headers


@pytest.mark.parametrize("accept", [{}, MCP_ACCEPT])
async def test_pages_of_other_origins_are_refused(served: Served, accept: dict[str, str]) -> None:
    foreign = {"Origin": "https://evil.example", **accept}
    assert (await served.http.post("/mcp", json=INITIALIZE, headers=foreign)).status_code == 403
    assert (await served.http.post("/tools", json=INITIALIZE, headers=foreign)).status_code == 403
    for origin in (served.url, "http://localhost:3000", "http://127.0.0.1:8018"):
        own = {"Origin": origin, **MCP_ACCEPT}
        assert (await served.http.post("/mcp", json=INITIALIZE, headers=own)).status_code == 200


async def test_a_name_that_was_made_to_lead_here_is_refused(served: Served) -> None:
    rebound = {"Host": "evil.example", **MCP_ACCEPT}
    assert (await served.http.post("/mcp", json=INITIALIZE, headers=rebound)).status_code == 421


@pytest.mark.parametrize("session", ["", "x" * 5000, "../../etc", "%00"])
async def test_sessions_that_never_were(served: Served, session: str) -> None:
    headers = {"Mcp-Session-Id": session, **MCP_ACCEPT}
    for method in ("POST", "GET", "DELETE"):
        answer = await served.http.request(method, "/mcp", json=INITIALIZE, headers=headers)
        assert 400 <= answer.status_code < 500


async def test_strange_bodies_in_a_session(served: Served) -> None:
    begun = await served.http.post("/mcp", json=INITIALIZE, headers=MCP_ACCEPT)
    headers = {
        "Mcp-Session-Id": begun.headers["Mcp-Session-Id"],
        "Content-Type": "application/json",
        **MCP_ACCEPT,
    }
    for body in (b"", b"{", b"\xff", b"[]", b"5", b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": 5}'):
        answer = await served.http.post("/mcp", content=body, headers=headers)
        assert answer.status_code < 500
        assert "Traceback" not in answer.text


async def test_too_much_is_413(served: Served, tmp_path: Path) -> None:
    for headers in ({}, MCP_ACCEPT):
        answer = await served.http.post(
            "/mcp", content=b" " * (16 * 2**20 + 1), headers={"Content-Type": "application/json", **headers}
        )
        assert answer.status_code == 413
