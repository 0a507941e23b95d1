"""SaisClient against a server that speaks the contract."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sais.client import Image, SaisClient, pieces
from sais.demo.loopback import LoopbackServer
from sais.errors import GatewayRefused, InfrastructureError, InputError
from tests.client.stub_gateway import StubGateway

# Port 9 (discard) answers nothing here: the stub's fetches fail at once, as data on their rows.
NOWHERE = "http://127.0.0.1:9"


def test_registering_keeps_root_and_key(client: SaisClient, gateway: StubGateway) -> None:
    assert client.root == "museum"
    assert client.api_key == gateway.accounts["museum"][0]


def test_a_known_account_needs_its_key_and_keeps_it(client: SaisClient, url: str) -> None:
    key = client.api_key
    with SaisClient(url, "museum", key, trust_env=False) as again:
        assert again.register("museum", 100, media_callback_url=f"{NOWHERE}/hook")["apiKey"] is None
        assert again.api_key == key
    with SaisClient(url, trust_env=False) as stranger, pytest.raises(GatewayRefused) as refused:
        stranger.register("museum", 100)
    assert refused.value.status == 401


def test_the_key_of_one_account_is_not_sent_for_another(client: SaisClient, gateway: StubGateway) -> None:
    client.register("library", 10)
    _, bearer, body = gateway.posted[-1]
    assert bearer is None
    assert body["apiKey"] is None
    assert client.api_key == gateway.accounts["library"][0]


def test_a_registration_token_goes_as_the_bearer(url: str, gateway: StubGateway) -> None:
    with SaisClient(url, trust_env=False) as client:
        client.register("archive", 10, registration_token="let-me-in", thumb_callback_url=f"{NOWHERE}/t")
    _, bearer, body = gateway.posted[-1]
    assert bearer == "let-me-in"
    assert body == {"root": "archive", "approx": 10, "apiKey": None, "thumbCallbackUrl": f"{NOWHERE}/t"}


def test_dispatch_gives_the_batch_and_a_row_for_each_image(client: SaisClient, gateway: StubGateway) -> None:
    images: list[Image] = ["ftp://a.example/1.jpg", {"url": f"{NOWHERE}/2.jpg", "context": {"objId": 7}}]
    sent = client.dispatch(images, ["small"], context={"job": 3}, media_callback_url=f"{NOWHERE}/hook")
    assert sent.batch == 1
    assert [row["marking"] for row in sent.rows] == ["rejected", "new"]
    assert gateway.posted[-1][2] == {
        "root": "museum",
        "images": images,
        "filters": ["small"],
        "context": {"job": 3},
        "mediaCallbackUrl": f"{NOWHERE}/hook",
    }


def test_sending_in_pieces_takes_any_iterable(client: SaisClient, gateway: StubGateway) -> None:
    addresses: Iterator[str] = (f"ftp://a.example/{number}.jpg" for number in range(1201))
    sent = list(client.dispatch_pieces(addresses, ["small"]))
    assert [len(piece.rows) for piece in sent] == [500, 500, 201]
    assert [piece.batch for piece in sent] == [1, 2, 3]


def test_a_piece_has_at_least_one_image() -> None:
    with pytest.raises(InputError, match="at least 1"):
        list(pieces([1, 2], 0))


def test_wait_gives_the_last_sums(client: SaisClient) -> None:
    sent = client.dispatch(["ftp://a.example/1.jpg"], ["small"])
    sums = client.wait(sent.batch, timeout=5, every=0.01)
    assert (sums["submitted"], sums["rejected"], sums["settled"]) == (1, 1, True)


def test_watching_ends_with_the_time(client: SaisClient, gateway: StubGateway) -> None:
    gateway.media["stuck"] = {"marking": "new"}
    gateway.batches.append(["stuck"])
    assert [sums["pending"] for sums in client.watch(1, timeout=0)] == [1]
    assert client.wait(1, timeout=0.02, every=0.01)["settled"] is False


def test_media_by_codes(client: SaisClient, gateway: StubGateway) -> None:
    gateway.media["b53470c4d6e0576d"] = {"id": "b53470c4d6e0576d", "marking": "resized"}
    assert client.media(["b53470c4d6e0576d", "unknown"]) == [gateway.media["b53470c4d6e0576d"]]


def test_status_needs_no_account(url: str) -> None:
    with SaisClient(url, trust_env=False) as client:
        assert client.status()["status"] == "okay"


def test_a_problem_says_title_detail_and_field(client: SaisClient) -> None:
    with pytest.raises(GatewayRefused) as refused:
        client.dispatch([f"{NOWHERE}/1.jpg"], ["huge"])
    assert refused.value.status == 422
    assert refused.value.title == "Unknown preset"
    assert "small, medium" in refused.value.detail
    assert str(refused.value) == f"Unknown preset: {refused.value.detail}"
    assert refused.value.field == "filters"
    assert refused.value.errors[0]["field"] == "filters"


def test_a_wrong_key_is_refused(url: str, client: SaisClient) -> None:
    with SaisClient(url, "museum", "wrong", trust_env=False) as thief, pytest.raises(GatewayRefused, match="key"):
        thief.dispatch([f"{NOWHERE}/1.jpg"])


def test_without_an_account_nothing_is_sent(url: str, gateway: StubGateway) -> None:
    with SaisClient(url, trust_env=False) as client, pytest.raises(InputError, match="register first"):
        client.dispatch([f"{NOWHERE}/1.jpg"])
    assert gateway.posted == []


@pytest.mark.parametrize("address", ["", "museum.example", "ftp://museum.example", "http://[::1"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(InputError, match="address of a gateway"):
        SaisClient(address)


def test_nobody_there() -> None:
    with SaisClient(NOWHERE, trust_env=False) as client, pytest.raises(InfrastructureError, match="no answer"):
        client.status()


@pytest.mark.parametrize(
    ("status", "body", "expected", "words"),
    [
        (200, "<html>a proxy's page</html>", InfrastructureError, "proxy's page"),
        (200, "[]", InfrastructureError, "another kind"),
        (302, "", GatewayRefused, "Found"),
        (404, "<html>nginx</html>", GatewayRefused, "nginx"),
        (404, "[1]", GatewayRefused, "Not Found"),
        (422, '{"title": 5, "errors": "x"}', GatewayRefused, "5"),
        (502, "", InfrastructureError, "502"),
    ],
)
def test_answers_that_no_gateway_gives(status: int, body: str, expected: type[Exception], words: str) -> None:
    async def answer(request: Request) -> Response:
        return PlainTextResponse(body, status)

    app = Starlette(routes=[Route("/status", answer)])
    with (
        LoopbackServer(app) as server,
        SaisClient(server.url, trust_env=False) as client,
        pytest.raises(expected, match=words),
    ):
        client.status()
