"""What a test origin can answer: honest content, and every way in which real servers fail."""

import asyncio
import gzip
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """As it came over the wire; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(Protocol):
    """Answers one request on `writer`. Returns whether the connection can take another request."""

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool: ...


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class Content:
    """A whole body; with an `etag`, an If-None-Match that names it gets 304."""

    body: bytes
    content_type: str = "image/jpeg"
    status: int = 200
    etag: str | None = None
    last_modified: str | None = None
    gzipped: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        validators = {"ETag": self.etag, "Last-Modified": self.last_modified}
        headers = {**self.headers, **{name: value for name, value in validators.items() if value}}
        if self._unchanged(request):
            writer.write(head(304, headers))
            return True
        body = gzip.compress(self.body) if self.gzipped else self.body
        encoding = {"Content-Encoding": "gzip"} if self.gzipped else {}
        sizes = {"Content-Type": self.content_type, "Content-Length": str(len(body))}
        writer.write(head(self.status, {**sizes, **encoding, **headers}) + body)
        return True

    def _unchanged(self, request: Request) -> bool:
        asked = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
        return any(ours and ours == theirs for ours, theirs in zip((self.etag, self.last_modified), asked, strict=True))


@dataclass(frozen=True)
class Status:
    """A status with a short text, and any headers (`Retry-After`, `Location`)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        bodiless = self.status in {204, 304}
        body = b"" if bodiless else HTTPStatus(self.status).phrase.encode()
        sizes = {} if bodiless else {"Content-Type": "text/plain", "Content-Length": str(len(body))}
        writer.write(head(self.status, {**sizes, **self.headers}) + body)
        return True


def redirect(location: str, status: int = 302) -> Status:
    """To any address at all, also one that must never be asked."""
    return Status(status, {"Location": location})


def busy(retry_after: str | None = None, status: int = 503) -> Status:
    return Status(status, {"Retry-After": retry_after} if retry_after else {})


@dataclass(frozen=True)
class Hang:
    """Sends `first` and then nothing, until the origin closes."""

    first: bytes = b""

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(self.first)
        await asyncio.Event().wait()
        return False


@dataclass(frozen=True)
class Late:
    """`reply`, after `pause` seconds of silence."""

    reply: Reply
    pause: float

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(self.pause)
        return await self.reply.send(request, writer)


@dataclass(frozen=True)
class Reset:
    """Sends `first`, then resets the connection (RST, not FIN)."""

    first: bytes = b""

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(self.first)
        await writer.drain()
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False


@dataclass(frozen=True)
class Raw:
    """These bytes, HTTP or not; then the connection is closed."""

    sent: bytes

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(self.sent)
        return False


def lying(body: bytes, said: int) -> Raw:
    """A Content-Length of `said` over another body: shorter (truncated) or longer (larger than said)."""
    return Raw(head(200, {"Content-Type": "image/jpeg", "Content-Length": str(said)}) + body)


@dataclass(frozen=True)
class Endless:
    """Chunked, until the client goes away."""

    chunk: bytes = bytes(65_536)

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(head(200, {"Content-Type": "image/jpeg", "Transfer-Encoding": "chunked"}))
        while not writer.is_closing():
            writer.write(b"%x\r\n%b\r\n" % (len(self.chunk), self.chunk))
            await writer.drain()
        return False


@dataclass(frozen=True)
class Drip:
    """The body in pieces of `step` bytes with `pause` seconds between them."""

    body: bytes
    step: int
    pause: float

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(head(200, {"Content-Type": "image/jpeg", "Content-Length": str(len(self.body))}))
        for start in range(0, len(self.body), self.step):
            writer.write(self.body[start : start + self.step])
            await writer.drain()
            await asyncio.sleep(self.pause)
        return True
