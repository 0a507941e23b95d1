"""What only S3 does: content types, presigned addresses, credentials, a network that fails."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import s3fs

from sais.errors import FileMissing, StorageError
from sais.storage import open_storage
from tests.support.s3 import S3Server

pytestmark = pytest.mark.s3
LARGE = 2 * 8 * 2**20 + 1


async def head(bucket: str, key: str, options: dict[str, Any]) -> dict[str, Any]:
    """Asks the server itself, not our storage."""
    system = s3fs.S3FileSystem(asynchronous=True, skip_instance_cache=True, **options)
    session = await system.set_session()
    try:
        answer: dict[str, Any] = await session.head_object(Bucket=bucket, Key=key)
        return answer
    finally:
        await session.close()


@pytest.mark.parametrize("size", [10, LARGE])
async def test_the_content_type_is_stored(bucket: str, s3_options: dict[str, Any], tmp_path: Path, size: int) -> None:
    source = tmp_path / "source.png"  # its name says PNG: only what the caller says counts
    source.write_bytes(b"x" * size)
    async with open_storage(f"s3://{bucket}/pre/fix/", s3_options) as storage:
        await storage.write("bytes.png", source.read_bytes(), "image/webp")
        await storage.write_file("file.png", source, "image/avif")
        assert storage.url == f"s3://{bucket}/pre/fix"
    for name, mime_type in (("bytes.png", "image/webp"), ("file.png", "image/avif")):
        answer = await head(bucket, f"pre/fix/{name}", s3_options)
        assert (answer["ContentType"], answer["ContentLength"], answer["Metadata"]) == (mime_type, size, {})


async def test_anybody_can_read_a_presigned_address(bucket: str, s3_options: dict[str, Any]) -> None:
    async with open_storage(f"s3://{bucket}", s3_options) as storage:
        await storage.write("a b.png", b"pixels", "image/png")
        address = await storage.presign("a b.png", 60)
        assert storage.local_path("a b.png") is None
    assert address is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(address)
    assert (answer.content, answer.headers["content-type"]) == (b"pixels", "image/png")


async def test_keys_of_other_prefixes_and_folder_marks_are_not_listed(bucket: str, s3_options: dict[str, Any]) -> None:
    async with (
        open_storage(f"s3://{bucket}", s3_options) as whole,
        open_storage(f"s3://{bucket}/a", s3_options) as part,
    ):
        await whole.write("ab/other.png", b"x", "image/png")
        await part.write("mine.png", b"x", "image/png")
        await mark_folder(f"{bucket}/a/drawn/", s3_options)
        assert [entry.path async for entry in part.list()] == ["mine.png"]
        assert sorted([entry.path async for entry in whole.list()]) == ["a/mine.png", "ab/other.png"]


async def mark_folder(key: str, options: dict[str, Any]) -> None:
    system = s3fs.S3FileSystem(asynchronous=True, skip_instance_cache=True, **options)
    session = await system.set_session()
    bucket, _, name = key.partition("/")
    await session.put_object(Bucket=bucket, Key=name)
    await session.close()


@pytest.mark.parametrize("wrong", ["key", "secret"])
async def test_wrong_credentials_are_told_without_them(
    wrong: str, bucket: str, s3_server: S3Server, s3_options: dict[str, Any], tmp_path: Path
) -> None:
    if s3_server.emulator:
        pytest.skip("the emulator accepts any key")
    options = {**s3_options, wrong: "wrong-Sesame99"}
    async with open_storage(f"s3://{bucket}", options) as storage:
        for attempt in (storage.write("a", b"x", "image/png"), storage.read("a"), storage.size("a")):
            with pytest.raises(StorageError) as caught:
                await attempt
            assert not isinstance(caught.value, FileMissing)
            assert caught.value.__cause__ is None
            assert not re.search("Sesame|" + re.escape(s3_server.secret), str(caught.value))
        with pytest.raises(StorageError, match=r"SignatureDoesNotMatch|InvalidAccessKeyId"):
            await storage.read_to("a", tmp_path / "a")


async def test_a_bucket_that_does_not_exist_is_not_a_missing_file(s3_options: dict[str, Any]) -> None:
    async with open_storage("s3://no-such-bucket-here", s3_options) as storage:
        for attempt in (storage.read("a"), storage.write("a", b"x", "image/png"), anext(storage.list())):
            with pytest.raises(StorageError, match="NoSuchBucket") as caught:
                await attempt
            assert not isinstance(caught.value, FileMissing)


@pytest.mark.parametrize("proxied", [False, True])
async def test_an_endpoint_that_cannot_be_reached_is_told(proxied: bool, unused_tcp_port: int) -> None:
    options: dict[str, Any] = {"key": "name", "secret": "x", "endpoint_url": f"http://127.0.0.1:{unused_tcp_port}"}
    if proxied:
        options["config_kwargs"] = {"proxies": {"http": f"http://user:Sesame99@127.0.0.1:{unused_tcp_port}"}}
    async with open_storage("s3://bucket", options) as storage:
        with pytest.raises(StorageError, match=r"cannot read s3://bucket/a: .*connect") as caught:
            await storage.read("a")
    assert str(unused_tcp_port) in str(caught.value)
    assert "Sesame99" not in str(caught.value)


async def test_credentials_in_the_servers_words_are_struck_out() -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>no Sesame99 at http://me:open@host/</Message></Error>"

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        keys = {"aws_access_key_id": "name", "aws_secret_access_key": "Sesame99"}
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_storage("s3://bucket", {"client_kwargs": keys, "endpoint_url": endpoint}) as storage:
            with pytest.raises(StorageError, match=r"AccessDenied: no \*\*\* at http://host/"):
                await storage.read("a")


@contextlib.asynccontextmanager
async def cutting_after(limit: int, s3_server: S3Server) -> AsyncIterator[str]:
    """A way to the server that breaks each connection once `limit` bytes have gone up."""
    host, port = s3_server.url.removeprefix("http://").split(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        while most > 0 and (data := await reader.read(65536)):
            writer.write(data[:most])
            most -= len(data)
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection(host, int(port))
        back = asyncio.create_task(carry(up, writer, 2**40))
        with contextlib.suppress(ConnectionError):
            await carry(reader, down, limit)
        back.cancel()
        for end in (writer, down):
            end.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("size", [3_000_000, LARGE])
async def test_a_broken_upload_leaves_the_old_file(
    bucket: str, s3_server: S3Server, s3_options: dict[str, Any], tmp_path: Path, size: int
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * size)
    async with open_storage(f"s3://{bucket}", s3_options) as storage, cutting_after(1_000_000, s3_server) as endpoint:
        await storage.write("old.png", b"old", "image/png")
        async with open_storage(f"s3://{bucket}", {**s3_options, "endpoint_url": endpoint}) as broken:
            for path in ("old.png", "new.png"):
                with pytest.raises(StorageError, match=f"cannot write s3://{bucket}/{path}"):
                    await broken.write_file(path, source, "image/png")
        assert await storage.read("old.png") == b"old"
        assert [entry.path async for entry in storage.list()] == ["old.png"]
