"""The origin serves the photographs, faults included."""

from collections.abc import Iterator

import httpx
import pytest

from sais.demo.loopback import LoopbackServer, listening_socket
from sais.demo.origin import Origin
from sais.demo.photographs import DemoPhotograph, Expectation
from sais.errors import SettingsError

GOOD = DemoPhotograph("good.png", b"png bytes", "image/png", Expectation())
BUSY = DemoPhotograph("busy.jpg", b"jpeg bytes", "image/jpeg", Expectation(), busy_answers=2)
LOST = DemoPhotograph("lost.jpg", None, "image/jpeg", Expectation("failed", "http_404"))


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin([GOOD, BUSY, LOST], latency=(0, 0)) as origin:
        yield origin


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as browser:
        yield browser


def test_a_photograph(origin: Origin, browser: httpx.Client) -> None:
    answer = browser.get(origin.url_of(GOOD))
    assert (answer.status_code, answer.content) == (200, b"png bytes")
    assert answer.headers["Content-Type"] == "image/png"
    assert origin.answers["good.png", 200] == 1


def test_busy_twice_then_the_picture(origin: Origin, browser: httpx.Client) -> None:
    answers = [browser.get(origin.url_of(BUSY)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 200, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert answers[2].content == b"jpeg bytes"


def test_what_is_not_there(origin: Origin, browser: httpx.Client) -> None:
    assert browser.get(origin.url_of(LOST)).status_code == 404
    assert browser.get(origin.url_of(GOOD) + "x").status_code == 404


def test_every_origin_has_new_addresses(origin: Origin) -> None:
    port = httpx.URL(origin.url_of(GOOD)).port
    with Origin([GOOD]) as other:
        assert httpx.URL(other.url_of(GOOD)).path != httpx.URL(origin.url_of(GOOD)).path
    assert port


def test_the_port_can_be_chosen_and_is_free_again_afterwards(browser: httpx.Client) -> None:
    with listening_socket(0) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        with Origin([GOOD], port, latency=(0, 0)) as origin:
            assert origin.url_of(GOOD).startswith(f"http://127.0.0.1:{port}/")
            assert browser.get(origin.url_of(GOOD)).status_code == 200


def test_a_taken_port_is_said(origin: Origin) -> None:
    port = httpx.URL(origin.url_of(GOOD)).port
    assert port is not None
    with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}"):
        Origin([GOOD], port)
    with pytest.raises(SettingsError, match="cannot listen"):
        LoopbackServer(lambda scope, receive, send: None, 99_999)  # type: ignore[arg-type, return-value]
