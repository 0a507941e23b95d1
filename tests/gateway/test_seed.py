"""The JSON-RPC requests of the predecessor's own documentation, word for word (only the host is another)."""

from typing import Any

import pytest

from tests.gateway.stage import Stage

NAMES = [
    "create_account",
    "dispatch_process",
    "get_account_info",
    "get_media",
    "generate_thumbnail",
    "explain_failure",
    "sum_numbers",
]


async def curl(stage: Stage, path: str, data: str) -> dict[str, Any]:
    """As curl sends it: no Accept but `*/*`."""
    headers = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "curl/8.5.0"}
    answer = await stage.client.post(path, content=data, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body.keys() == {"jsonrpc", "id", "result"}
    return body


@pytest.mark.parametrize("path", ["/tools", "/mcp"])
async def test_tools_list_without_an_id(stage: Stage, path: str) -> None:
    body = await curl(stage, path, '{"jsonrpc":"2.0", "method":"tools/list"}')
    assert body["id"] is None
    assert {tool["name"] for tool in body["result"]["tools"]}.issuperset(NAMES)


async def test_create_account(stage: Stage) -> None:
    data = '{"jsonrpc":"2.0","method":"tools/create_account","id": "unique", "params":{"root": "rpc", "estimated":100}}'
    body = await curl(stage, "/tools", data)
    assert body["id"] == "unique"
    assert (body["result"]["root"], body["result"]["approxImageCount"]) == ("rpc", 100)
    assert body["result"]["apiKey"]


async def test_tools_list_with_params_that_it_does_not_need(stage: Stage) -> None:
    data = '{"jsonrpc":"2.0","method":"tools/list","id": "unique", "params":{"root": "rpc", "estimated":100}}'
    body = await curl(stage, "/mcp", data)
    assert body["id"] == "unique"
    assert {tool["name"] for tool in body["result"]["tools"]}.issuperset(NAMES)


async def test_sum_numbers_of_nothing(stage: Stage) -> None:
    body = await curl(stage, "/mcp", '{"jsonrpc":"2.0", "method":"tools/sum_numbers"}')
    assert body == {"jsonrpc": "2.0", "id": None, "result": {"sum": 0}}


async def test_the_php_clients_call_of_create_account(stage: Stage) -> None:
    """`$client->execute(`tools/call`, …)` with a whole AccountSetup as its arguments."""
    data = """{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"create_account","arguments":
        {"root":"userRootName","approx":1400,"mediaCallbackUrl":null,"thumbCallbackUrl":null,"apiKey":null}}}"""
    data = data.replace("userRootName", "user_root_name")
    result = (await curl(stage, "/tools", data))["result"]
    assert result["isError"] is False
    assert result["structuredContent"]["approxImageCount"] == 1400
