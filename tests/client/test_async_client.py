"""The async twin: the same answers and errors, without blocking the loop."""

import inspect
from datetime import UTC, datetime

import pytest

from sais.client import AsyncSaisClient, SaisClient
from sais.errors import GatewayRefused, InfrastructureError
from tests.client.stub_gateway import StubGateway


async def test_from_account_to_settled_batch(url: str, gateway: StubGateway) -> None:
    async with AsyncSaisClient(url, trust_env=False) as client:
        account = await client.register("museum", 100)
        assert client.api_key == account["apiKey"]
        sent = await client.dispatch(["ftp://a.example/1.jpg"], ["small"])
        assert (await client.wait(sent.batch, timeout=5, every=0.01))["settled"] is True
        assert await client.media([]) == []
        assert (await client.status())["worker"] is True


async def test_sending_in_pieces(url: str) -> None:
    async with AsyncSaisClient(url, trust_env=False) as client:
        await client.register("museum", 100)
        addresses = [f"ftp://a.example/{number}" for number in range(5)]
        sent = [len(piece.rows) async for piece in client.dispatch_pieces(addresses, ["small"], size=2)]
    assert sent == [2, 2, 1]


async def test_trying_again_and_cancelling(url: str, gateway: StubGateway) -> None:
    async with AsyncSaisClient(url, trust_env=False) as client:
        await client.register("museum", 100)
        sent = await client.dispatch(["ftp://a.example/1.jpg"], ["small"])
        assert (await client.cancel(sent.batch))["id"] == sent.batch
        assert gateway.posted[-1] == (f"/batches/{sent.batch}/cancel", client.api_key, {})
        told = await client.retry(["http_404"], after="abc", limit=10, dry_run=True)
    assert told == {"batch": 7, "retried": 2, "next": None}
    wanted = {"root": "museum", "reasons": ["http_404"], "after": "abc", "limit": 10, "dryRun": True}
    assert gateway.posted[-1] == ("/retry", client.api_key, wanted)


async def test_webhooks_that_were_not_taken(url: str, gateway: StubGateway) -> None:
    since = datetime(2026, 7, 1, 10, tzinfo=UTC)
    async with AsyncSaisClient(url, trust_env=False) as client:
        await client.register("museum", 100)
        [query] = await client.webhooks("pending", 5, batch=3, receiver="a.example", since=since)
        assert query == {
            "marking": "pending",
            "limit": "5",
            "batch": "3",
            "receiver": "a.example",
            "since": "2026-07-01T10:00:00+00:00",
        }
        assert await client.replay_webhooks(ids=["1", "2"], batch=None) == 3
    assert gateway.posted[-1] == ("/webhooks/replay", client.api_key, {"ids": ["1", "2"]})


async def test_what_needs_a_key_is_refused_without(url: str) -> None:
    async with AsyncSaisClient(url, "museum", "wrong", trust_env=False) as client:
        for asked in (client.cancel(1), client.retry(), client.webhooks(), client.replay_webhooks()):
            with pytest.raises(GatewayRefused, match="Unauthorized"):
                await asked


async def test_a_problem_is_the_same_error(url: str) -> None:
    async with AsyncSaisClient(url, "museum", "wrong", trust_env=False) as client:
        with pytest.raises(GatewayRefused, match="Unauthorized"):
            await client.batch(1)


async def test_nobody_there() -> None:
    async with AsyncSaisClient("http://127.0.0.1:9", trust_env=False) as client:
        with pytest.raises(InfrastructureError, match="no answer"):
            await client.status()


def test_both_clients_offer_the_same() -> None:
    def offered(client: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(client, inspect.isfunction)
        return {
            name: list(inspect.signature(method).parameters) for name, method in methods if not name.startswith("_")
        }

    assert offered(SaisClient) == offered(AsyncSaisClient)
