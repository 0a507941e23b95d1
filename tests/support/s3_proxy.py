"""A real proxy in front of a real S3 server, which can answer 503 SlowDown, or be away.

with S3Proxy(server) as proxy:
    proxy.slow_down()      # every request gets 503 until `work()`
    proxy.go_away()        # every connection is closed before an answer
"""

import asyncio
import threading
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.support.s3 import S3Server
from tests.support.waiting import WAIT_SECONDS

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


class Mood(Enum):
    WORKING = "working"
    BUSY = "busy"
    AWAY = "away"


class S3Proxy:
    """`refused` counts the requests and connections that were not let through."""

    def __init__(self, server: S3Server) -> None:
        self._target = urlsplit(server.url)
        self._server = server
        self._mood = Mood.WORKING
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="s3-proxy", daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self.refused = 0
        self.port = 0

    def as_server(self) -> S3Server:
        return replace(self._server, url=f"http://127.0.0.1:{self.port}")

    def slow_down(self) -> None:
        self._set(Mood.BUSY)

    def go_away(self) -> None:
        self._set(Mood.AWAY)

    def work(self) -> None:
        self._set(Mood.WORKING)

    def wait_refused(self, count: int) -> None:
        """Blocks until so many were not let through."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.refused >= count, WAIT_SECONDS):
                raise TimeoutError(f"waited {WAIT_SECONDS} s for {count} refusals")

    def _set(self, mood: Mood) -> None:
        self._mood = mood
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(WAIT_SECONDS)

    async def _hang_up(self) -> None:
        """Connections that are kept open would not notice the change."""
        for writer in list(self._open):
            writer.close()

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._listener = asyncio.run_coroutine_threadsafe(starting, self._loop).result(WAIT_SECONDS)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(WAIT_SECONDS)
        self._loop.call_soon_threadsafe(self._listener.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_SECONDS)
        self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(OSError, EOFError):
                await self._serve(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mood is Mood.WORKING:
            await self._pass_on(reader, writer)
            return
        if self._mood is Mood.BUSY:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 503 Slow Down\r\nContent-Length: {len(SLOW_DOWN)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + SLOW_DOWN)
            await writer.drain()
        with self._changed:
            self.refused += 1
            self._changed.notify_all()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._open.add(target[1])
        try:
            await asyncio.gather(_copy(reader, target[1]), _copy(target[0], writer), return_exceptions=True)
        finally:
            self._open.discard(target[1])
            target[1].close()


async def _copy(source: asyncio.StreamReader, destination: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            destination.write(data)
            await destination.drain()
    destination.close()
