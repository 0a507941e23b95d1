"""Sending files: images without an address, and manifests of any size."""

from pathlib import Path

import pytest

from sais.client import AsyncSaisClient, SaisClient
from sais.errors import GatewayRefused, InputError
from tests.client.stub_gateway import StubGateway


def test_an_image_as_bytes_is_one_row(client: SaisClient, gateway: StubGateway) -> None:
    sent = client.upload(b"\xff\xd8picture", ["small", "medium"], name="a.jpg", context={"objId": 7})
    assert (sent.batch, len(sent.rows), sent.rows[0]["code"]) == (1, 1, "c0ffee")
    path, bearer, body = gateway.posted[-1]
    assert (path, bearer) == ("/upload", client.api_key)
    assert body == {
        "root": ["museum"],
        "filters": ["small", "medium"],
        "context": ['{"objId": 7}'],
        "file": ("a.jpg", b"\xff\xd8picture"),
    }


def test_a_path_is_sent_with_its_name(client: SaisClient, gateway: StubGateway, tmp_path: Path) -> None:
    picture = tmp_path / "b ü.png"
    picture.write_bytes(b"png")
    client.upload(str(picture), media_callback_url="https://a.example/hook")
    body = gateway.posted[-1][2]
    assert body["file"] == ("b ü.png", b"png")
    assert body["mediaCallbackUrl"] == ["https://a.example/hook"]


async def test_both_clients_ask_to_wait(client: SaisClient, url: str, gateway: StubGateway, tmp_path: Path) -> None:
    client.upload(b"picture", wait=True)
    async with AsyncSaisClient(url, "museum", client.api_key, trust_env=False) as twin:
        await twin.upload(b"picture", wait=True)
    assert [body["wait"] for _, _, body in gateway.posted[-2:]] == [["true"], ["true"]]


def test_a_manifest_is_a_batch(client: SaisClient, gateway: StubGateway, tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("url\n" + "https://a.example/1.jpg\n" * 50_000)
    assert client.send_manifest(manifest, ["small"]) == 1
    path, _, body = gateway.posted[-1]
    assert path == "/manifests"
    assert body["file"] == ("list.csv", manifest.read_bytes())
    assert body["filters"] == ["small"]


async def test_the_async_client_sends_the_same(url: str, gateway: StubGateway, tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("url\nhttps://a.example/1.jpg\n")
    async with AsyncSaisClient(url, trust_env=False) as client:
        await client.register("museum", 10)
        assert await client.send_manifest(manifest) == 1
        assert (await client.upload(b"picture")).batch == 2
    assert [body["file"] for _, _, body in gateway.posted[1:]] == [
        ("list.csv", manifest.read_bytes()),
        ("image", b"picture"),
    ]


def test_a_file_that_is_not_there(client: SaisClient, gateway: StubGateway) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv cannot be read"):
        client.send_manifest("nowhere.csv")
    assert len(gateway.posted) == 1


def test_a_wrong_key(url: str, client: SaisClient) -> None:
    with SaisClient(url, "museum", "wrong", trust_env=False) as thief, pytest.raises(GatewayRefused, match="key"):
        thief.upload(b"picture")


def test_a_new_key_is_used_from_now_on(client: SaisClient, gateway: StubGateway) -> None:
    former = client.api_key
    assert client.rotate_key()["apiKey"] == client.api_key != former
    assert client.dispatch(["ftp://a.example/1.jpg"], ["small"]).batch == 1
