"""Bad bots edited over JSON-RPC and MCP, by whoever has the registration token."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sais.bots import list_bots
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer

TOKEN = "open sesame"
NETWORK = {"scope": "network", "pattern": "127.0.0.1"}


@pytest.fixture
async def closed(settings: Settings, prefect: PrefectStub) -> AsyncIterator[Stage]:
    changed = settings.model_copy(update={"registration_token": TOKEN})
    async with opened(Configuration.from_settings(changed), PrefectSettings(api_url=prefect.url)) as stage:
        yield stage


async def call(stage: Stage, tool: str, arguments: dict[str, Any], token: str = TOKEN, path: str = "/tools") -> Any:
    message = {"jsonrpc": "2.0", "id": 1, "method": f"tools/{tool}", "params": arguments}
    answer: httpx.Response = await stage.client.post(path, json=message, headers=bearer(token))
    return answer.json()


@pytest.mark.parametrize("path", ["/tools", "/mcp"])
async def test_a_rule_is_added_listed_and_removed(closed: Stage, path: str) -> None:
    rule = {**NETWORK, "note": "too many questions"}
    added = (await call(closed, "bots_add", rule, path=path))["result"]
    assert (added["scope"], added["pattern"], added["note"]) == ("network", "127.0.0.1/32", "too many questions")
    listed = (await call(closed, "bots_list", {"scope": "network"}, path=path))["result"]["bots"]
    assert [(one["pattern"], one["note"]) for one in listed] == [("127.0.0.1/32", "too many questions")]
    assert len((await call(closed, "bots_list", {}, path=path))["result"]["bots"]) > 1
    removed = (await call(closed, "bots_remove", NETWORK, path=path))["result"]
    assert removed == NETWORK
    assert (await call(closed, "bots_list", {"scope": "network"}, path=path))["result"]["bots"] == []


async def test_a_new_rule_holds_for_the_next_gateway_that_reads_it(closed: Stage, prefect: PrefectStub) -> None:
    await call(closed, "bots_add", NETWORK)
    configuration = Configuration.from_settings(closed.state.settings)
    async with opened(configuration, PrefectSettings(api_url=prefect.url)) as other:
        assert (await other.client.get("/filters")).status_code == 403
        assert (await call(other, "bots_remove", NETWORK))["result"] == NETWORK


@pytest.mark.parametrize("tool", ["bots_list", "bots_add", "bots_remove"])
async def test_nobody_but_the_operator(closed: Stage, stage: Stage, tool: str) -> None:
    made = await closed.client.post("/account_setup", json={"root": "library"}, headers=bearer(TOKEN))
    arguments = {} if tool == "bots_list" else {"scope": "path", "pattern": "/media*"}
    before = await closed.state.database.read(list_bots)
    for token in ("wrong", "", made.json()["apiKey"]):
        error = (await call(closed, tool, arguments, token))["error"]
        assert (error["code"], error["data"]["status"]) == (-32001, 401)
    # A gateway without a registration token knows no operator, also on loopback.
    error = (await call(stage, tool, arguments, "anything"))["error"]
    assert (error["code"], error["data"]["status"]) == (-32001, 403)
    assert "SAIS_REGISTRATION_TOKEN" in error["message"]
    assert await closed.state.database.read(list_bots) == before


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("bots_add", {"scope": "path", "pattern": "/*"}, "pattern"),
        ("bots_add", {"scope": "network", "pattern": "0.0.0.0/0"}, "pattern"),
        ("bots_add", {"scope": "colour", "pattern": "/blue"}, "scope"),
        ("bots_add", {"scope": "path", "pattern": "/blue", "note": "a\nb"}, "note"),
        ("bots_remove", {"scope": "path", "pattern": "/not-there"}, "pattern"),
    ],
)
async def test_a_rule_that_cannot_be(closed: Stage, tool: str, arguments: dict[str, Any], field: str) -> None:
    before = await closed.state.database.read(list_bots)
    error = (await call(closed, tool, arguments))["error"]
    assert (error["code"], error["data"]["errors"][0]["field"]) == (-32602, field)
    assert await closed.state.database.read(list_bots) == before
