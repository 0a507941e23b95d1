"""Origin: a real HTTP/1.1 server on 127.0.0.1, in its own thread, that can fail in every way; and a webhook receiver.

    with Origin() as origin:
        origin.serve("/a.jpg", busy(), busy(), Content(jpeg))     # 503 twice, then the picture for ever
        origin.serve("/hook", Status(500), Status(200))
        ... origin.url("/a.jpg"), origin.hits["/a.jpg"], origin.wait_for_posts(2)

Settings need `allow_hosts=("127.0.0.1",)` to reach it. What it can answer: replies.py.
"""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from tests.support.replies import Reply, Request, Status
from tests.support.waiting import WAIT_SECONDS


class Post(NamedTuple):
    """One POST as a webhook receiver sees it; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Origin:
    """Answers each path with its replies in turn, the last one for ever; 404 for other paths, 200 for other POSTs.

    `hits` counts requests by path (without query), `most_at_once` the most that were inside together by Host header,
    `most_inside` the same over all hosts,
    `connections` those opened, `open_connections` those open now, `most_open` the most of them.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._replies: dict[str, list[Reply]] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="origin", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: asyncio.Event | None = None
        self._inside: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.posts: list[Post] = []
        self.most_at_once: Counter[str] = Counter()
        self.most_inside = 0
        self.connections = 0
        self.open_connections = 0
        self.most_open = 0
        self.port = 0

    def serve(self, path: str, *replies: Reply) -> str:
        """From now on `path` (without query) answers these, in turn. Returns its URL."""
        with self._changed:
            self._replies[path] = list(replies)
        return self.url(path)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def hold(self) -> None:
        """Requests are let in and counted, but get no answer before `release()`."""
        self._held = asyncio.Event()

    def release(self) -> None:
        if self._held is not None:
            self._loop.call_soon_threadsafe(self._held.set)

    def wait_for_posts(self, count: int) -> list[Post]:
        """Blocks until `count` POSTs have come in."""
        self._wait(lambda: len(self.posts) >= count, f"{count} posts")
        return list(self.posts)

    def wait_for_hits(self, path: str, count: int) -> None:
        """Blocks until `path` has been asked for `count` times."""
        self._wait(lambda: self.hits[path] >= count, f"{count} requests of {path}")

    def wait_inside(self, count: int) -> None:
        """Blocks until `count` requests are inside at once; one whose answer has just come may still count."""
        self._wait(lambda: self._inside.total() >= count, f"{count} requests at once")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, WAIT_SECONDS):
                raise TimeoutError(f"waited {WAIT_SECONDS} s for {what}")

    def __enter__(self) -> Self:
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(WAIT_SECONDS)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(WAIT_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_SECONDS)
        self._loop.close()

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls, backlog=512)

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count_connection(opened=True)
        try:
            with suppress(OSError, EOFError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.close()
            self._count_connection(opened=False)

    def _count_connection(self, *, opened: bool) -> None:
        with self._changed:
            self.connections += opened
            self.open_connections += 1 if opened else -1
            self.most_open = max(self.most_open, self.open_connections)
            self._changed.notify_all()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _read_request(reader)
        host = request.headers.get("host", "")
        reply = self._entered(request, host)
        try:
            if self._held is not None:
                await self._held.wait()
            again = await reply.send(request, writer)
            await writer.drain()
        finally:
            self._left(host)
        # `Connection: close` is left to the client, as real servers often do.
        return again

    def _entered(self, request: Request, host: str) -> Reply:
        with self._changed:
            path = request.path.partition("?")[0]
            self.hits[path] += 1
            self.requests.append(request)
            self._inside[host] += 1
            self.most_at_once[host] = max(self.most_at_once[host], self._inside[host])
            self.most_inside = max(self.most_inside, self._inside.total())
            if request.method == "POST":
                self.posts.append(Post(path, dict(request.headers), request.body))
            self._changed.notify_all()
            return self._reply(path, request.method)

    def _reply(self, path: str, method: str) -> Reply:
        replies = self._replies.get(path)
        if not replies:
            return Status(200 if method == "POST" else 404)
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def _left(self, host: str) -> None:
        with self._changed:
            self._inside[host] -= 1
            self._changed.notify_all()


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = _headers(lines)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


def _headers(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
