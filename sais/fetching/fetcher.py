"""Fetcher: GET an original into a file, POST a webhook. The guard stands before each hop, limits around each."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

import aiohttp
import httpx
import yarl

from sais.errors import RefusedByOrigin, TooBig
from sais.fetching.client import open_session
from sais.fetching.clock import SYSTEM, Clock
from sais.fetching.failures import check_status, media_errors, retry_after
from sais.fetching.guard import Guard
from sais.fetching.politeness import Politeness
from sais.fetching.redaction import redact_url
from sais.fetching.redirects import redirect_target
from sais.fetching.resolver import GuardedResolver, Lookup
from sais.fetching.robots import Robots, check_tags, product_of, robots_text
from sais.fetching.slots import HostSlots, Waits
from sais.fetching.whole_file import WholeFile
from sais.settings import Settings

CALLBACKS_KEPT = 64
# RFC 9309 asks for at least five.
ROBOTS_REDIRECTS = 5


@dataclass(frozen=True)
class Fetched:
    """What an origin sent. `size` in bytes after any Content-Encoding; `head` the first 512 of them; `seconds` without
    the wait for a slot; `checksum` xxh3_128 in hex. With status 304 there is no file, and size, checksum and head are
    empty. `final_url` is the one after redirects, without userinfo."""

    status_code: int
    size: int
    declared_type: str | None
    etag: str | None
    last_modified: str | None
    final_url: str
    checksum: str
    seconds: float
    head: bytes


@dataclass(frozen=True)
class PostResult:
    """A receiver's answer, whatever its status; `retry_after` in seconds, at most 3600."""

    status_code: int
    retry_after: float | None


@dataclass
class _Budget:
    """Seconds that one image may still take, over all its hops; waiting for a slot is not counted."""

    left: float
    spent: float = 0.0

    @asynccontextmanager
    async def spend(self) -> AsyncIterator[None]:
        started = monotonic()
        try:
            async with asyncio.timeout(self.left - self.spent):
                yield
        finally:
            self.spent += monotonic() - started


class Fetcher:
    """One client for a run: open it once, `async with Fetcher(settings) as fetcher`.

    `resolve` replaces the system's name lookup (see resolver.py); the guard judges its answers just the same.
    `clock` is the time by which hosts are paced and paused; `politeness` knows which are paused now.
    """

    def __init__(self, settings: Settings, *, resolve: Lookup | None = None, clock: Clock = SYSTEM) -> None:
        self._settings = settings
        self.politeness = Politeness(settings, clock)
        self._product = product_of(settings.user_agent)
        self._robots = Robots(self._product, self._read_robots, clock) if settings.robots == "respect" else None
        self._guard = Guard(settings.allow_hosts)
        # A callback's address comes thousands of times, and what the guard says of it depends on nothing else.
        self._checked_callback = lru_cache(CALLBACKS_KEPT)(self._guard.check_url)
        self._slots = HostSlots(settings.fetch_concurrency, settings.host_concurrency)
        self._resolver = GuardedResolver(self._guard, resolve, threads=settings.fetch_concurrency)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = open_session(self._settings, self._resolver)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._robots is not None:
            await self._robots.close()
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    async def wind_down(self, seconds: float) -> None:
        """Nothing is begun any more; waits at most so long for the requests under way.
        Everything else waits until it is cancelled."""
        await self._slots.total.wind_down(seconds)

    async def fetch(
        self,
        url: str,
        destination: Path,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        waits: Waits | None = None,
    ) -> Fetched:
        """Streams the body to `destination`, which appears whole. Redirects are followed, each past the guard.

        With `etag` or `last_modified` the request is conditional, and an unchanged original gives status 304.
        `waits` is told how long the requests waited to begin.
        Raises BadUrl, RefusedHost, RefusedByOrigin, TooBig or TransientMediaError; StorageError when the disk fails.
        """
        target = self._guard.check_url(url)
        budget = _Budget(self._settings.fetch_seconds)
        conditions = _conditions(etag, last_modified)
        for _ in range(self._settings.max_redirects + 1):
            if self._robots is not None:
                await self._robots.check(target)
            outcome = await self._hop(target, destination, budget, conditions, waits)
            if isinstance(outcome, Fetched):
                return outcome
            target = self._guard.check_url(str(outcome))
        raise RefusedByOrigin("too_many_redirects", f"too_many_redirects ({redact_url(url)})")

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        """One POST within `webhook_seconds`. A redirect is an answer like any other; the answer's body is not read.

        Raises BadUrl, RefusedHost, RefusedByOrigin (`tls`) or TransientMediaError.
        """
        target = self._checked_callback(url)
        async with self._slots.hold(target.host) as shared:
            with media_errors(target):
                async with (
                    asyncio.timeout(self._settings.webhook_seconds),
                    self._open("POST", target, headers, shared, body) as response,
                ):
                    pause = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
                    return PostResult(response.status, pause)

    async def _hop(
        self,
        target: httpx.URL,
        destination: Path,
        budget: _Budget,
        conditions: Mapping[str, str],
        waits: Waits | None,
    ) -> Fetched | httpx.URL:
        """The image, or the next URL to ask. A slot for each hop: a redirect leads to another host's limit."""
        async with self._slots.hold(target.host, self.politeness.visit(target.host), waits) as shared:
            with media_errors(target):
                async with budget.spend(), self._open("GET", target, conditions, shared) as response:
                    asked = _without_userinfo(target)
                    further = redirect_target(response, asked)
                    if further is not None:
                        return further
                    if self._settings.x_robots == "respect":
                        check_tags(response.headers.getall("x-robots-tag", ()), self._product)
                    body = None
                    if not (conditions and response.status == HTTPStatus.NOT_MODIFIED):
                        check_status(response.status, response.headers, asked)
                        body = await self._save(response, destination)
        return _fetched(response, str(asked), body, budget.spent)

    async def _read_robots(self, address: httpx.URL) -> str:
        """As for an image: past the guard, in a slot, within the time for one. Too many redirects mean that the site
        has none."""
        budget = _Budget(self._settings.fetch_seconds)
        for _ in range(ROBOTS_REDIRECTS + 1):
            target = self._guard.check_url(str(address))
            async with self._slots.hold(target.host, self.politeness.visit(target.host)) as shared:
                with media_errors(target):
                    async with budget.spend(), self._open("GET", target, {}, shared) as response:
                        asked = _without_userinfo(target)
                        further = redirect_target(response, asked)
                        if further is None:
                            return await robots_text(response, asked)
                        address = further
        return ""

    @asynccontextmanager
    async def _open(
        self, method: str, target: httpx.URL, headers: Mapping[str, str], shared: bool, body: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("this fetcher is not open")
        sent = dict(headers)
        if not shared:
            # The last at a host closes the door: a run over 10,000 hosts would hold thousands of idle sockets.
            sent["connection"] = "close"
        if target.userinfo:
            sent["authorization"] = _basic(target)
        # Encoded already: aiohttp would rewrite `%2F` in a query to `/` and `%2C` in a path to `,`, and so break URLs
        # that are signed.
        url = yarl.URL(str(_without_userinfo(target)), encoded=True)
        async with self._session.request(method, url, headers=sent, data=body, allow_redirects=False) as response:
            yield response

    async def _save(self, response: aiohttp.ClientResponse, destination: Path) -> WholeFile:
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._settings.max_bytes:
            raise TooBig("too_big", f"{declared} bytes, {self._settings.max_bytes} are the most")
        with WholeFile(destination, self._settings.max_bytes) as file:
            async for chunk in response.content.iter_any():
                file.write(chunk)
            if not file.size:
                raise RefusedByOrigin("empty", status_code=response.status)
            file.keep()
        return file


def _conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    offered = {"if-none-match": etag, "if-modified-since": last_modified}
    return {name: value for name, value in offered.items() if value}


def _without_userinfo(url: httpx.URL) -> httpx.URL:
    return url.copy_with(userinfo=b"") if url.userinfo else url


def _basic(url: httpx.URL) -> str:
    return "Basic " + b64encode(f"{url.username}:{url.password}".encode()).decode()


def _fetched(response: aiohttp.ClientResponse, asked: str, body: WholeFile | None, seconds: float) -> Fetched:
    declared_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(
        status_code=response.status,
        size=body.size if body else 0,
        declared_type=declared_type or None,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
        final_url=asked,
        checksum=body.checksum if body else "",
        seconds=seconds,
        head=body.head if body else b"",
    )
