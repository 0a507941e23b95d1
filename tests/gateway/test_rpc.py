"""JSON-RPC 2.0 at `/tools`: the tools, the keys, and every way of getting it wrong."""

import json
from typing import Any

import pytest

from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of


async def post(stage: Stage, message: Any, key: str | None = None, path: str = "/tools") -> Any:
    headers = {"Content-Type": "application/json", **(bearer(key) if key else {})}
    answer = await stage.client.post(path, content=json.dumps(message), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def request(method: str, params: Any = None, identity: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}


async def call(stage: Stage, tool: str, arguments: Any, key: str | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = await post(stage, request(f"tools/{tool}", arguments), key)
    return answer


async def test_every_tool_describes_its_arguments(stage: Stage) -> None:
    tools = (await post(stage, request("tools/list")))["result"]["tools"]
    for tool in tools:
        assert tool["description"]
        assert tool["inputSchema"]["type"] == "object"
    order = next(tool for tool in tools if tool["name"] == "dispatch_process")["inputSchema"]
    assert {"root", "images", "filters", "mediaCallbackUrl", "apiKey"} <= order["properties"].keys()
    assert order["required"] == ["root", "images"]
    account = next(tool for tool in tools if tool["name"] == "create_account")["inputSchema"]
    assert {"root", "approx", "estimated"} <= account["properties"].keys()
    assert account["required"] == ["root"]


async def test_from_account_to_thumb(stage: Stage) -> None:
    key = (await call(stage, "account_setup", {"root": "museum", "approx": 100}))["result"]["apiKey"]
    order = {"root": "museum", "images": [url_of(1), "ftp://photos.example/2"], "filters": ["small"], "apiKey": key}
    sent = (await call(stage, "dispatch_process", order))["result"]
    assert [row["marking"] for row in sent["rows"]] == ["new", "rejected"]
    sums = await stage.client.get(f"/batches/{sent['batch']}", headers=bearer(key))
    assert sums.json()["submitted"] == 2

    path = await stage.finish(url_of(1))
    code = sent["rows"][0]["code"]
    media = (await call(stage, "get_media", {"code": code}, key))["result"]
    assert (media["id"], media["marking"]) == (code, "resized")
    many = (await call(stage, "get_media", {"ids": [code, "0" * 16], "apiKey": key}))["result"]
    assert many == {"media": [media]}
    made = (await call(stage, "generate_thumbnail", {"root": "museum", "url": url_of(1)}, key))["result"]
    assert made["resized"] == {"small": f"http://127.0.0.1:8018/media/cache/small/{path}"}
    info = (await call(stage, "get_account_info", {}, key))["result"]
    assert (info["root"], info["media"]["resized"], info["apiKey"]) == ("museum", 1, None)


async def test_generate_thumbnail_hands_new_work_to_the_quick_lane(stage: Stage) -> None:
    key = await stage.account()
    order = {"root": "museum", "url": url_of(1), "preset": "large", "wait": False}
    row = (await call(stage, "generate_thumbnail", order, key))["result"]
    assert (row["marking"], row["resized"]) == ("new", {})
    sums = (await stage.client.get(f"/batches/{row['batch']}", headers=bearer(key))).json()
    assert (sums["pending"], sums["settled"]) == (1, False)


async def test_tools_call_gives_text_and_an_object(stage: Stage) -> None:
    message = request("tools/call", {"name": "sum_numbers", "arguments": {"numbers": [1, 2.5], "number1": 3}})
    result = (await post(stage, message))["result"]
    assert result == {
        "content": [{"type": "text", "text": '{"sum":6.5}'}],
        "structuredContent": {"sum": 6.5},
        "isError": False,
    }


async def test_explain_failure(stage: Stage) -> None:
    found = (await call(stage, "explain_failure", {"reason": "http_404"}))["result"]
    assert found["means"] == "The server answered 404 Not Found."
    assert (found["retryable"], bool(found["remedy"])) == (False, True)
    wrong = (await call(stage, "explain_failure", {"reason": "bad_mood"}))["error"]
    assert (wrong["code"], wrong["data"]["errors"][0]["field"]) == (-32602, "reason")


async def test_a_batch_is_worked_on_in_its_order(stage: Stage) -> None:
    messages = [
        request("tools/create_account", {"root": "museum"}, "a"),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request("tools/create_account", {"root": "museum"}, "b"),
        {"jsonrpc": "2.0", "method": "ping"},
        5,
    ]
    answers = await post(stage, messages)
    assert [answer["id"] for answer in answers] == ["a", "b", None, None]
    assert answers[0]["result"]["root"] == "museum"
    assert answers[1]["error"]["code"] == -32001
    assert answers[2]["result"] == {}
    assert answers[3]["error"]["code"] == -32600


@pytest.mark.parametrize("message", [{"jsonrpc": "2.0", "method": "notifications/initialized"}] * 2)
async def test_a_notification_has_no_answer(stage: Stage, message: dict[str, Any]) -> None:
    for body in (message, [message]):
        answer = await stage.client.post("/tools", json=body)
        assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize("path", ["/tools", "/mcp"])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": 1e999}', b'{"a": "\\ud800"}', b"[" * 100_000])
async def test_what_is_no_json_is_a_parse_error(stage: Stage, path: str, body: bytes) -> None:
    answer = await stage.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert (answer.json()["error"]["code"], answer.json()["id"]) == (-32700, None)


@pytest.mark.parametrize(
    "message",
    [
        None,
        "tools/list",
        [],
        {},
        {"method": "tools/list"},
        {"jsonrpc": "1.0", "method": "tools/list"},
        {"jsonrpc": "2.0", "method": 5},
        {"jsonrpc": "2.0", "method": "tools/list", "id": {"a": 1}},
        {"jsonrpc": "2.0", "method": "tools/list", "id": True},
        [{"jsonrpc": "2.0", "method": "tools/list"}] * 101,
    ],
    ids=str,
)
async def test_what_is_no_request(stage: Stage, message: Any) -> None:
    answer = await post(stage, message)
    assert (answer["error"]["code"], answer["id"]) == (-32600, None)


@pytest.mark.parametrize("method", ["tools", "tools/", "tools/fly", "fly", "", "initialize", "resources/list"])
async def test_methods_that_are_not_there(stage: Stage, method: str) -> None:
    answer = await post(stage, request(method, identity=2.5))
    assert (answer["error"]["code"], answer["id"]) == (-32601, 2.5)


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("tools/sum_numbers", [1, 2], None),
        ("tools/sum_numbers", {"numbers": ["1e400"]}, "numbers.0"),
        ("tools/sum_numbers", {"numbers": [10**30]}, "numbers.0"),
        ("tools/create_account", {"root": "../etc"}, "root"),
        ("tools/create_account", {"root": "museum", "surprise": "hush"}, "surprise"),
        ("tools/dispatch_process", {"root": "museum"}, "images"),
        ("tools/get_media", {"apiKey": 5}, "apiKey"),
        ("tools/call", {"name": "fly"}, None),
        ("tools/call", {"name": ["sum_numbers"]}, None),
        ("tools/call", {}, None),
        ("tools/call", {"name": "sum_numbers", "arguments": [1]}, None),
        ("tools/call", {"name": "create_account", "arguments": {"root": 5}}, "root"),
    ],
    ids=str,
)
async def test_bad_params_name_their_field(stage: Stage, method: str, params: Any, field: str | None) -> None:
    error = (await post(stage, request(method, params)))["error"]
    assert error["code"] == -32602
    assert error["message"]
    if field:
        assert field in [one["field"] for one in error["data"]["errors"]]
    assert "hush" not in json.dumps(error)


async def test_keys(stage: Stage) -> None:
    await stage.account()
    other = await stage.account("other-one")
    order = {"root": "museum", "images": [url_of(1)]}
    nobody = {"root": "nobody", "images": [url_of(1)]}
    wrong = await call(stage, "dispatch_process", order, "wrong")
    assert wrong["error"]["code"] == -32001
    assert wrong["error"]["data"]["status"] == 401
    assert wrong == await call(stage, "dispatch_process", nobody, "wrong")
    assert wrong == await call(stage, "dispatch_process", order)
    foreign = await call(stage, "dispatch_process", order, other)
    assert (foreign["error"]["code"], foreign["error"]["data"]["status"]) == (-32001, 403)
    for tool, arguments in [("get_media", {"ids": ["0" * 16]}), ("get_account_info", {}), ("get_media", {"code": "0"})]:
        assert (await call(stage, tool, arguments))["error"]["data"]["status"] == 401
    info = await call(stage, "get_account_info", {"root": "museum"}, other)
    assert info["error"]["data"]["status"] == 403
    assert (await call(stage, "get_media", {"code": "0" * 16}, other))["error"]["data"]["status"] == 404


async def test_making_an_account_may_need_the_registration_token(settings: Settings, prefect: PrefectStub) -> None:
    closed = settings.model_copy(update={"registration_token": "let-me-in"})
    async with opened(Configuration.from_settings(closed), PrefectSettings(api_url=prefect.url)) as stage:
        assert (await call(stage, "create_account", {"root": "museum"}))["error"]["code"] == -32001
        assert (await call(stage, "create_account", {"root": "museum"}, "let-me-in"))["result"]["apiKey"]


async def test_a_lost_database_is_an_internal_error_without_our_insides(stage: Stage) -> None:
    stage.state.database.engine.dispose()
    place = stage.state.settings.home / "sais.db"
    for file in stage.state.settings.home.glob("sais.db*"):
        file.unlink()
    place.mkdir()
    error = (await call(stage, "get_account_info", {}, "key"))["error"]
    assert (error["code"], error["data"]["status"]) == (-32603, 503)
    assert str(place) not in json.dumps(error)


@pytest.mark.parametrize("path", ["/tools", "/mcp"])
async def test_what_a_foreign_page_can_post_is_not_taken(stage: Stage, path: str) -> None:
    body = json.dumps(request("tools/create_account", {"root": "museum"}))
    answer = await stage.client.post(path, content=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert answer.headers["Content-Type"] == "application/problem+json"
