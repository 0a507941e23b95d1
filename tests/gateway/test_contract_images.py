"""The contract's parts "Images" and "JSON-RPC and MCP", each row by its words."""

from typing import Any

import pytest

from tests.gateway.contract import ACCOUNT, check_problem
from tests.gateway.html_page import Page
from tests.gateway.stage import Stage, bearer, url_of

TOOLS = {"create_account", "dispatch_process", "get_account_info", "get_media", "generate_thumbnail"} | {
    "explain_failure",
    "sum_numbers",
}


@pytest.fixture
async def path(stage: Stage) -> str:
    """Of an image that has a small thumb and no other."""
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)], filters=["small"])
    return await stage.finish(url_of(1), b"0123456789")


# Images


async def test_a_thumb_is_200_with_what_caches_need(stage: Stage, path: str) -> None:
    answer = await stage.client.get(f"/media/cache/small/{path}")
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["Content-Type"] == "image/webp"
    assert "max-age" in answer.headers["Cache-Control"]
    for condition in (
        {"If-None-Match": answer.headers["ETag"]},
        {"If-Modified-Since": answer.headers["Last-Modified"]},
    ):
        assert (await stage.client.get(f"/media/cache/small/{path}", headers=condition)).status_code == 304
    part = await stage.client.get(f"/media/cache/small/{path}", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")


@pytest.mark.parametrize("address", ["/media/cache", "/media/cache/resolve"])
async def test_a_known_media_without_its_thumb_is_server_busy_and_queued(stage: Stage, path: str, address: str) -> None:
    answer = await stage.client.get(f"{address}/large/{path}")
    assert check_problem(answer, 503)["title"] == "server busy"
    assert int(answer.headers["Retry-After"]) > 0
    assert "large" in Page((await stage.client.get("/ui/batches/2")).text).text


@pytest.mark.parametrize("address", ["/media/cache", "/media/cache/resolve"])
async def test_what_is_unknown_is_404(stage: Stage, path: str, address: str) -> None:
    check_problem(await stage.client.get(f"{address}/small/museum/00/0000000000000000.jpg"), 404)
    check_problem(await stage.client.get(f"{address}/huge/{path}"), 404)


async def test_resolve_leads_to_the_address_above_when_it_is_there(stage: Stage, path: str) -> None:
    answer = await stage.client.get(f"/media/cache/resolve/small/{path}")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/media/cache/small/{path}")


async def test_a_page_about_one_image(stage: Stage, path: str) -> None:
    code = path.rpartition("/")[2].removesuffix(".jpg")
    answer = await stage.client.get(f"/media/{code}")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert url_of(1) in answer.text


@pytest.mark.parametrize("way", ["../../sais.db", "%2e%2e/%2e%2e/sais.db", "..%2f..%2fsais.db", "%00", "/etc/passwd"])
async def test_no_path_ever_leaves_its_storage(stage: Stage, way: str) -> None:
    assert (await stage.client.get(f"/media/cache/small/{way}")).status_code == 404


# JSON-RPC and MCP


def request(method: str, params: Any = None, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, **({"params": params} if params is not None else {}), **more}


@pytest.mark.parametrize("address", ["/tools", "/mcp"])
async def test_tools_are_listed_and_called_by_both_ways(stage: Stage, address: str) -> None:
    listed = (await stage.client.post(address, json=request("tools/list", id=1))).json()["result"]["tools"]
    assert {tool["name"] for tool in listed} >= TOOLS
    numbers = {"numbers": [1, 2]}
    called = request("tools/call", {"name": "sum_numbers", "arguments": numbers}, id=2)
    assert (await stage.client.post(address, json=called)).json()["result"]["structuredContent"] == {"sum": 3}
    direct = request("tools/sum_numbers", numbers, id="three")
    assert (await stage.client.post(address, json=direct)).json() == {
        "jsonrpc": "2.0",
        "id": "three",
        "result": {"sum": 3},
    }


@pytest.mark.parametrize("name", ["create_account", "account_setup"])
async def test_an_account_is_made_under_both_names(stage: Stage, name: str) -> None:
    made = request(f"tools/{name}", {"root": "rpc", "estimated": 100}, id="unique")
    body = (await stage.client.post("/tools", json=made)).json()["result"]
    assert set(body) == ACCOUNT
    assert (body["approxImageCount"], bool(body["apiKey"])) == (100, True)


async def test_a_missing_id_is_answered_with_null(stage: Stage) -> None:
    assert (await stage.client.post("/mcp", json=request("tools/sum_numbers"))).json()["id"] is None


async def test_errors_use_the_codes_of_json_rpc_and_lists_work(stage: Stage) -> None:
    key = await stage.account()
    messages = [
        request("tools/get_account_info", {"root": "museum"}, id=1),
        request("tools/fly", id=2),
        request("tools/sum_numbers", {"numbers": "many"}, id=3),
        {"id": 4},
    ]
    answers = (await stage.client.post("/tools", json=messages, headers=bearer(key))).json()
    assert answers[0]["result"]["root"] == "museum"
    assert [answer["error"]["code"] for answer in answers[1:]] == [-32601, -32602, -32600]
    broken = await stage.client.post("/tools", content=b"{", headers={"Content-Type": "application/json"})
    assert broken.json()["error"]["code"] == -32700
