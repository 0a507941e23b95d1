"""The demo's client application keeps verified webhooks and refuses the others."""

import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from sais.demo.receiver import Receiver
from tests.client.stub_gateway import new_secret, signed_headers

SECRET = new_secret()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(SECRET) as receiver:
        yield receiver


def post(receiver: Receiver, payload: object, secret: str = SECRET) -> httpx.Response:
    body = json.dumps(payload)
    return httpx.post(receiver.url, content=body, headers=signed_headers(secret, body), trust_env=False)


def test_a_signed_webhook_is_kept_by_code(receiver: Receiver) -> None:
    assert post(receiver, {"code": "a", "marking": "resized"}).status_code == 204
    assert receiver.webhook("a") == {"code": "a", "marking": "resized"}
    assert receiver.webhook("b") is None
    assert receiver.refused == 0


def test_a_repeated_webhook_replaces_the_first(receiver: Receiver) -> None:
    post(receiver, {"code": "a", "marking": "failed"})
    post(receiver, {"code": "a", "marking": "resized"})
    assert receiver.webhook("a") == {"code": "a", "marking": "resized"}


def test_a_forged_webhook_is_refused_and_not_kept(receiver: Receiver) -> None:
    answer = post(receiver, {"code": "a"}, new_secret())
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "No matching signature" in answer.json()["detail"]
    assert receiver.webhook("a") is None
    assert receiver.refused == 1


def test_unsigned_is_refused(receiver: Receiver) -> None:
    assert httpx.post(receiver.url, json={"code": "a"}, trust_env=False).status_code == 400


@pytest.mark.parametrize("payload", [{}, {"code": 5}, ["a"]])
def test_signed_but_about_no_media_is_refused(receiver: Receiver, payload: object) -> None:
    assert post(receiver, payload).status_code == 400


def test_only_post(receiver: Receiver) -> None:
    assert httpx.get(receiver.url, trust_env=False).status_code == 405


def test_waiting_ends_with_the_last_webhook(receiver: Receiver) -> None:
    missing: list[set[str]] = []
    waiting = threading.Thread(target=lambda: missing.append(receiver.wait_for(["a", "b"], 30)))
    waiting.start()
    post(receiver, {"code": "a"})
    post(receiver, {"code": "b"})
    waiting.join(30)
    assert missing == [set()]


def test_waiting_gives_the_codes_without_a_webhook(receiver: Receiver) -> None:
    post(receiver, {"code": "a"})
    assert receiver.wait_for(["a", "b"], 0) == {"b"}
