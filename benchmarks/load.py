"""A load generator: keep-alive connections that ask the same thing again and again, at a few microseconds a request.

An HTTP client library would be slower than the server that it measures.
"""

import asyncio
import time
from typing import Self


class Connection(asyncio.Protocol):
    """Asks until `deadline`; every answer must be as long as the first one and begin with 200."""

    def __init__(self, request: bytes, length: int, deadline: float) -> None:
        self._request, self._length, self._deadline = request, length, deadline
        self._left = length
        self.count = 0
        self.failed = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._left == self._length and not data.startswith(b"HTTP/1.1 200"):
            self.failed += 1
        self._left -= len(data)
        if self._left > 0:
            return
        self.count += 1
        self._left = self._length
        if time.monotonic() < self._deadline:
            self._transport.write(self._request)
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    @classmethod
    async def opened(cls, host: str, port: int, request: bytes, length: int, deadline: float) -> Self:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: cls(request, length, deadline), host, port)
        return protocol


async def requests_per_second(host: str, port: int, path: str, *, connections: int, seconds: float) -> float:
    """Raises AssertionError when an answer is not 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    length = await _length_of_answer(host, port, request)
    start = time.monotonic()
    opened = [await Connection.opened(host, port, request, length, start + seconds) for _ in range(connections)]
    await asyncio.gather(*(connection.done for connection in opened))
    assert not any(connection.failed for connection in opened), "an answer was not 200"
    return sum(connection.count for connection in opened) / (time.monotonic() - start)


async def _length_of_answer(host: str, port: int, request: bytes) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    body = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    writer.close()
    return len(head) + int(body.partition(b":")[2])
