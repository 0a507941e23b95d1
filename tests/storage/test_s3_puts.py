"""Small objects go up through a faster client where it does what the options say, and through s3fs elsewhere."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from sais.errors import StorageError
from sais.storage import open_storage
from sais.storage.s3_puts import PAUSE_SECONDS, Puts
from tests.support.s3 import S3Server
from tests.support.s3_proxy import S3Proxy

pytestmark = pytest.mark.s3
FAST = b"object_store"


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[S3Proxy]:
    with S3Proxy(s3_server) as proxy:
        yield proxy


class Server:
    """Answers every PUT as told, and HEAD with `size`; remembers the requests' heads and what is connected."""

    def __init__(self, etag: str, size: int) -> None:
        self.etag, self.size = etag, size
        self.heads: list[bytes] = []
        self.connected: set[asyncio.StreamWriter] = set()
        self.left = asyncio.Event()
        self.options: dict[str, Any] = {"key": "name", "secret": "Sesame99"}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected.add(writer)
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head.lower())
                await self.answer(head.lower(), reader, writer)
        self.connected.discard(writer)
        self.left.set()
        writer.close()

    async def answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        put = head.startswith(b"put ")
        if b"expect: 100-continue" in head:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if put:
            await reader.readexactly(int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]))
        length = 0 if put else self.size
        lines = f'HTTP/1.1 200 OK\r\nETag: "{self.etag}"\r\nContent-Length: {length}\r\n'
        writer.write(lines.encode() + b"Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n")
        await writer.drain()

    def by_whom(self) -> list[bool]:
        """Of each PUT: whether the faster client sent it."""
        return [FAST in head for head in self.heads if head.startswith(b"put ")]


@contextlib.asynccontextmanager
async def serving(etag: str = hashlib.md5(b"pixels").hexdigest(), size: int = 6) -> AsyncIterator[Server]:
    server = Server(etag, size)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.options["endpoint_url"] = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield server
        for writer in list(server.connected):
            writer.close()


async def test_bytes_and_files_go_through_the_faster_client(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"pixels")
    async with serving() as server:
        async with open_storage("s3://bucket/pre", server.options) as storage:
            await storage.write("a b.png", b"pixels", "image/png")
            await storage.write_file("c.png", source, "image/avif")
        assert server.by_whom() == [True, True]
        assert len(server.heads) == 2, "the answer's ETag was enough"
        assert server.heads[0].startswith(b"put /bucket/pre/a%20b.png ")
        assert b"content-type: image/avif" in server.heads[1]
        while server.connected:
            server.left.clear()
            await asyncio.wait_for(server.left.wait(), 20)


@pytest.mark.parametrize(
    "more",
    [
        {"s3_additional_kwargs": {"ServerSideEncryption": "AES256"}},
        {"requester_pays": True},
        {"anon": True},
        {"client_kwargs": {"verify": False}},
        {"config_kwargs": {"user_agent_extra": "museum"}},
        {"config_kwargs": {"signature_version": "s3"}},
    ],
)
async def test_options_that_only_s3fs_follows_stay_with_it(more: dict[str, Any]) -> None:
    async with serving() as server:
        async with open_storage("s3://bucket", server.options | more) as storage:
            await storage.write("a.png", b"pixels", "image/png")
        assert server.by_whom() == [False]


@pytest.mark.parametrize("name", ["AWS_SERVER_SIDE_ENCRYPTION", "AWS_ENDPOINT_URL_S3", "HTTPS_PROXY"])
async def test_variables_that_would_change_what_is_kept_are_not_followed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving() as server:
        async with open_storage("s3://bucket", server.options) as storage:
            await storage.write("a.png", b"pixels", "image/png")
        assert server.by_whom() == [False]


async def test_a_profile_of_the_usual_places_signs(
    bucket: str, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "credentials"
    keys.write_text(
        f"[museum]\naws_access_key_id = {s3_server.key}\naws_secret_access_key = {s3_server.secret}\n"
        "[other]\naws_access_key_id = other\naws_secret_access_key = Sesame99\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "Sesame99")
    options = {"endpoint_url": s3_server.url, "client_kwargs": {"region_name": "us-east-1"}}
    async with open_storage(f"s3://{bucket}", options | {"profile": "museum"}) as storage:
        await storage.write("a.png", b"pixels", "image/png")
        assert await storage.read("a.png") == b"pixels"
    async with serving() as server:
        chosen = options | {"profile": "museum", "endpoint_url": server.options["endpoint_url"]}
        async with open_storage("s3://bucket", chosen) as storage:
            await storage.write("a.png", b"pixels", "image/png")
        assert server.by_whom() == [True]
        assert f"credential={s3_server.key}/".encode() in server.heads[0]


@pytest.mark.parametrize("size", [6, 5])
async def test_an_etag_of_another_kind_asks_for_the_size(size: int) -> None:
    async with serving("encrypted-5", size) as server:
        async with open_storage("s3://bucket", server.options) as storage:
            with contextlib.nullcontext() if size == 6 else pytest.raises(StorageError, match="5 bytes after 6"):
                await storage.write("a.png", b"pixels", "image/png")
        assert server.by_whom() == [True]
        assert server.heads[-1].startswith(b"head ")


async def test_a_pause_is_not_prolonged_by_those_who_put_meanwhile() -> None:
    now = 0.0
    puts = Puts(MemoryStore(), lambda: now)
    puts.pause()
    now = PAUSE_SECONDS - 1
    assert await puts.put("a.png", b"pixels", "image/png") is None
    puts.pause()
    now = PAUSE_SECONDS
    assert await puts.put("a.png", b"pixels", "image/png")


@pytest.mark.parametrize("fault", ["slow_down", "go_away"])
async def test_s3_in_trouble_is_told_soon_and_worked_with_again(
    fault: str, proxy: S3Proxy, bucket: str, s3_server: S3Server
) -> None:
    async with open_storage(f"s3://{bucket}", proxy.as_server().options()) as storage:
        getattr(proxy, fault)()
        words = "SlowDown" if fault == "slow_down" else "cannot write"
        with pytest.raises(StorageError, match=words) as caught:
            await storage.write("a.png", b"pixels", "image/png")
        assert s3_server.secret not in str(caught.value)
        assert caught.value.__cause__ is None
        if fault == "slow_down":
            assert proxy.refused <= 1 + 2 * 2, "one try, then s3fs' two of two each"
        proxy.work()
        await storage.write("a.png", b"pixels", "image/png")
        assert await storage.read("a.png") == b"pixels"
