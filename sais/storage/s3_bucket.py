"""A storage in an S3 bucket, through s3fs on the running event loop; small objects go up through obstore."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import s3fs
import xxhash
from aiobotocore.session import AioSession
from botocore.loaders import Loader

from sais.errors import FileMissing, StorageError
from sais.storage.interface import Entry, Storage
from sais.storage.paths import checked_path, checked_prefix
from sais.storage.s3_puts import Puts
from sais.storage.s3_words import told
from sais.whole_files import whole_file

# botocore's ten connections throttle a chunk of 32 images at once (2.4 ms of CPU a write, 1.8 with 64). Its checksums
# stay on: switching them off saved nothing that could be told from noise. SigV4 is what every store takes in a
# presigned address. Two tries here times two in s3fs: with their defaults a refused connection takes ten seconds.
CONFIG = {
    "max_pool_connections": 64,
    "signature_version": "s3v4",
    "retries": {"mode": "standard", "total_max_attempts": 2},
}
S3FS_TRIES = 2
# Files of two parts and more go up in parts, so that memory stays at PARTS_AT_ONCE parts. S3 takes 10,000 parts.
PART_BYTES = 8 * 2**20
PARTS_AT_ONCE = 4
MOST_PARTS = 10_000
READ_BYTES = 2**20
# Reading botocore's description of S3 costs 65 to 140 ms of CPU; a session that shares it opens in 10.
DESCRIPTIONS = Loader()


class S3Bucket(Storage):
    """`options` are s3fs keyword arguments. Credentials not among them come from botocore's usual places."""

    def __init__(self, bucket: str, prefix: str, options: Mapping[str, Any]) -> None:
        self.bucket = bucket
        self.prefix = f"{checked_path(prefix)}/" if prefix else ""
        self.url = f"s3://{bucket}/{self.prefix}".rstrip("/")
        self.options = options
        self._session: Any = None
        self._fs: Any = None
        self._puts: Puts | None = None

    async def _open(self) -> None:
        with self._told("open", ""):
            self._fs = s3fs.S3FileSystem(
                asynchronous=True,
                loop=asyncio.get_running_loop(),
                skip_instance_cache=True,
                use_listings_cache=False,
                **{"session": self._aws_session(), **self.options, "config_kwargs": self._config()},
            )
            self._fs.retries = S3FS_TRIES
            self._session = await self._fs.set_session()
            self._puts = await Puts.of(self._fs, self.bucket, self.options)

    async def _close(self) -> None:
        # obstore's connections end with the last reference to it.
        self._puts = None
        await self._session.close()

    async def write(self, path: str, data: bytes, mime_type: str) -> None:
        name = self._name(path)
        with self._told("write", path):
            if len(data) < 2 * PART_BYTES:
                await self._put(path, data, _md5(data), mime_type)
                return
            async with self._in_parts(path, len(data)):
                await self._fs._pipe_file(
                    name, data, chunksize=PART_BYTES, max_concurrency=PARTS_AT_ONCE, ContentType=mime_type
                )

    async def write_file(self, path: str, source: Path, mime_type: str) -> None:
        name = self._name(path)
        with self._told("write", path):
            size, data, md5 = await asyncio.to_thread(_read, source)
            if data is not None:
                await self._put(path, data, md5, mime_type)
                return
            part = max(PART_BYTES, -(-size // MOST_PARTS))
            async with self._in_parts(path, size):
                await self._fs._put_file(
                    str(source), name, chunksize=part, max_concurrency=PARTS_AT_ONCE, ContentType=mime_type
                )

    async def _put(self, path: str, data: bytes, md5: str, mime_type: str) -> None:
        """The answer names the MD5 of what is kept there, unless the bucket encrypts with keys of its own: then the
        size is asked for."""
        key = self._key(path)
        etag = await self._puts.put(key, data, mime_type) if self._puts else None
        if etag is None:
            answer = await self._fs._call_s3(
                "put_object", Bucket=self.bucket, Key=key, Body=data, ContentType=mime_type
            )
            etag = str(answer.get("ETag", ""))
            if self._puts:
                self._puts.pause()
        if etag.strip('"') != md5:
            await self._require_size(path, len(data))

    @contextlib.asynccontextmanager
    async def _in_parts(self, path: str, size: int) -> AsyncIterator[None]:
        """Around an upload in parts: checked when it is done, its parts removed when it is cancelled (s3fs removes them
        after errors)."""
        try:
            yield
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await self._abort(self._key(path))
            raise
        await self._require_size(path, size)

    async def _abort(self, key: str) -> None:
        """A media is written by one run at a time, so every upload of this key is ours."""
        found = await self._fs._call_s3("list_multipart_uploads", Bucket=self.bucket, Prefix=key)
        for upload in found.get("Uploads", []):
            if upload["Key"] == key:
                await self._fs._abort_mpu(self.bucket, key, upload["UploadId"])

    async def _require_size(self, path: str, size: int) -> None:
        kept = await self.size(path)
        if kept != size:
            raise StorageError(f"{self.url}/{path} has {kept} bytes after {size} were written")

    async def flush(self, paths: Sequence[str]) -> None:
        """What S3 has taken it keeps."""

    async def read(self, path: str) -> bytes:
        name = self._name(path)
        with self._told("read", path):
            # One request: s3fs would otherwise ask for the size first, and fetch parts of two versions in a race.
            data: bytes = await self._fs._cat_file(name, max_concurrency=1)
            return data

    async def read_to(self, path: str, destination: Path) -> None:
        name = self._name(path)
        with self._told("read", path), whole_file(destination) as partial:
            await self._fs._get_file(name, str(partial), max_concurrency=1)

    async def entry(self, path: str) -> Entry | None:
        key = self._key(path)
        try:
            with self._told("look at", path):
                answer = await self._fs._call_s3("head_object", Bucket=self.bucket, Key=key)
                return _entry(path, answer, answer["ContentLength"])
        except FileMissing:
            return None

    async def checksum(self, path: str) -> str:
        key = self._key(path)
        digest = xxhash.xxh3_128()
        with self._told("read", path):
            answer = await self._fs._call_s3("get_object", Bucket=self.bucket, Key=key)
            async with answer["Body"] as body:
                while data := await body.read(READ_BYTES):
                    digest.update(data)
        return digest.hexdigest()

    async def move(self, path: str, to: str) -> None:
        source = {"Bucket": self.bucket, "Key": self._key(path)}
        with self._told("move", path):
            await self._fs._call_s3("copy_object", Bucket=self.bucket, Key=self._key(to), CopySource=source)
            await self._fs._call_s3("delete_object", Bucket=self.bucket, Key=source["Key"])

    async def delete(self, path: str) -> None:
        key = self._key(path)
        try:
            with self._told("delete", path):
                await self._fs._call_s3("delete_object", Bucket=self.bucket, Key=key)
        except FileMissing:
            return

    async def folders(self, prefix: str = "") -> Sequence[str]:
        found = [item["Prefix"] async for page in self._pages(prefix, deep=False) for item in page["CommonPrefixes"]]
        return sorted(name.rstrip("/").rpartition("/")[2] for name in found)

    async def list(self, prefix: str = "", *, deep: bool = True) -> AsyncIterator[Entry]:
        async for page in self._pages(prefix, deep=deep):
            for item in page["Contents"]:
                # A key that ends in `/` is how some tools draw an empty folder.
                if not item["Key"].endswith("/"):
                    yield _entry(item["Key"].removeprefix(self.prefix), item, item["Size"])

    async def presign(self, path: str, seconds: int) -> str | None:
        name = self._name(path)
        with self._told("sign", path):
            address: str = await self._fs._url(name, expires=seconds)
            return address

    def local_path(self, path: str) -> Path | None:
        checked_path(path)
        return None

    async def _pages(self, prefix: str, *, deep: bool) -> AsyncIterator[dict[str, Any]]:
        """Of 1,000 keys each, the most that S3 gives."""
        folder = checked_prefix(prefix)
        asked = {"Bucket": self.bucket, "Prefix": f"{self.prefix}{folder}/" if folder else self.prefix}
        if not deep:
            asked["Delimiter"] = "/"
        more = True
        while more:
            with self._told("list", prefix):
                page: dict[str, Any] = await self._fs._call_s3("list_objects_v2", **asked)
            yield {"Contents": [], "CommonPrefixes": []} | page
            more = page["IsTruncated"]
            asked["ContinuationToken"] = page.get("NextContinuationToken", "")

    def folder(self) -> None:
        return None

    def _aws_session(self) -> AioSession:
        session = AioSession(profile=self.options.get("profile"))
        session.register_component("data_loader", DESCRIPTIONS)
        return session

    def _config(self) -> dict[str, Any]:
        return {**CONFIG, **self.options.get("config_kwargs", {})}

    def _key(self, path: str) -> str:
        return self.prefix + checked_path(path)

    def _name(self, path: str) -> str:
        return f"{self.bucket}/{self._key(path)}"

    def _told(self, action: str, path: str) -> AbstractContextManager[None]:
        return told(action, f"{self.url}/{path}", self.options)


def _read(source: Path) -> tuple[int, bytes | None, str]:
    """Size, bytes and MD5 in one visit to a thread; only the size of a file for parts."""
    size = source.stat().st_size
    if size >= 2 * PART_BYTES:
        return size, None, ""
    data = source.read_bytes()
    return len(data), data, _md5(data)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _entry(path: str, answer: Mapping[str, Any], size: int) -> Entry:
    """From one item of a listing, or from the answer to a HEAD."""
    return Entry(path, int(size), answer["ETag"].strip('"'), answer["LastModified"])
