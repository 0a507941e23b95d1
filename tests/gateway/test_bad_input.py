"""Whatever a client sends: a problem with a status below 500, and no word of our insides."""

import json

import pytest

from tests.gateway.stage import Stage, bearer, url_of

DEEP = '{"root":' + '{"a":' * 5000 + "1" + "}" * 5001


NO_REQUESTS = [
    b"",
    b"{",
    b"nothing",
    b"[1]",
    b"null",
    b'"museum"',
    b"\xff\xfe",
    b'{"root": "\xff"}',
    b'{"root": "\\ud800"}',
    b'{"root": "museum", "images": [{"url": "https://a.example/", "context": {"a": NaN}}]}',
    b'{"root": "museum", "images": [{"url": "https://a.example/", "context": {"a": 1e999}}]}',
    b'{"root": "museum", "images": [{"url": "https://a.example/", "context": {"a": "\\ud800"}}]}',
    DEEP.encode(),
    b'{"root": ' + b"9" * 10_000 + b"}",
]


@pytest.mark.parametrize("path", ["/account_setup", "/dispatch_process", "/fetch/media/by-ids"])
async def test_bodies_that_are_no_request(stage: Stage, path: str) -> None:
    for body in NO_REQUESTS:
        answer = await stage.client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, body[:80]
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert {"type", "title", "status", "detail"} <= problem.keys()
        assert problem["detail"]
        assert "Traceback" not in answer.text


async def test_a_body_over_the_limit_is_413(stage: Stage) -> None:
    answer = await stage.client.post(
        "/dispatch_process", content=b" " * (16 * 2**20 + 1), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert "manifest" in answer.json()["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_what_a_foreign_page_can_post_is_not_taken(stage: Stage, content_type: str) -> None:
    body = json.dumps({"root": "museum", "approx": 1})
    answer = await stage.client.post("/account_setup", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 422


async def test_strange_addresses_are_rejected_and_told_as_they_were_as_far_as_can_be(stage: Stage) -> None:
    key = await stage.account()
    images = ["https://a.example/\0x", "https://a.example/" + "y" * 20_000, "data:image/png;base64,AAAA", "  ", "é"]
    answer = await stage.dispatch(key, images)
    assert answer.status_code == 200
    assert [row["reason"] for row in answer.json()] == ["bad_url", "url_too_long", "bad_scheme", "bad_url", "bad_url"]


async def test_a_deep_context_comes_back(stage: Stage) -> None:
    context: dict[str, object] = {}
    for _ in range(150):
        context = {"a": context}
    key = await stage.account()
    answer = await stage.dispatch(key, [{"url": url_of(1), "context": context}])
    assert answer.json()[0]["context"] == context


async def test_a_wrong_value_is_not_repeated(stage: Stage) -> None:
    answer = await stage.client.post("/dispatch_process", json={"root": "museum", "images": 1, "apiKey": ["hush"]})
    assert answer.status_code == 422
    assert "hush" not in answer.text
    assert {error["field"] for error in answer.json()["errors"]} == {"images", "apiKey"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/batches/0", 422),
        ("/batches/99999999999999999999999", 422),
        ("/batches/x", 422),
        ("/batches/2147483647", 404),
        ("/ui/batches/1?page=2147483647", 404),
        ("/ui/batches/1?page=-1", 422),
        ("/fetch/media/%00", 404),
        ("/media/%00", 404),
        ("/nowhere", 404),
        ("/static/../application.py", 404),
        ("/static/%2e%2e/application.py", 404),
    ],
)
async def test_addresses_of_nothing(stage: Stage, path: str, status: int) -> None:
    key = await stage.account()
    assert (await stage.client.get(path, headers=bearer(key))).status_code == status


async def test_a_wrong_method_is_405_and_says_which(stage: Stage) -> None:
    answer = await stage.client.get("/dispatch_process")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.headers["Content-Type"] == "application/problem+json"
