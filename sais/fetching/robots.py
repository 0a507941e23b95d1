"""What a site's robots.txt (RFC 9309) and its answers' X-Robots-Tag say to us; both are asked only when set so."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

import aiohttp
import httpx
from protego import Protego

from sais.errors import RefusedByOrigin
from sais.fetching.clock import SYSTEM, Clock
from sais.fetching.failures import TRANSIENT_STATUSES, check_status
from sais.fetching.redaction import redact_url

# The RFC's own numbers: at least 500 kibibytes are read, and no copy is used for longer than a day.
MOST_BYTES = 512_000
FRESH_SECONDS = 86_400.0
MOST_SITES = 2_048

FORBIDDING = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
# These have a colon of their own, which is not one after a robot's name.
WITH_VALUES = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})

# The text of a robots.txt; empty where the site has none.
Load = Callable[[httpx.URL], Awaitable[str]]


def product_of(user_agent: str) -> str:
    """`SAIS/0.1 (…)` → `SAIS`, the name that robots.txt and X-Robots-Tag would call us by."""
    return user_agent.partition("/")[0].partition(" ")[0]


class Robots:
    """The rules of each site (scheme, host and port), loaded once a day at most, by the first who asks."""

    def __init__(self, product: str, load: Load, clock: Clock = SYSTEM) -> None:
        self._product = product
        self._load = load
        self._clock = clock
        self._sites: dict[httpx.URL, tuple[float, asyncio.Task[Protego]]] = {}

    async def check(self, target: httpx.URL) -> None:
        """Raises RefusedByOrigin (`robots_disallowed`), or why robots.txt could not be had: then nothing is allowed."""
        rules = await self._rules(target.copy_with(raw_path=b"/robots.txt", userinfo=b"", fragment=None))
        if not rules.can_fetch(str(target), self._product):
            raise RefusedByOrigin("robots_disallowed", f"robots_disallowed ({redact_url(target)})")

    async def _rules(self, address: httpx.URL) -> Protego:
        loaded_at, task = self._sites.get(address, (0.0, None))
        if task is None or _has_failed(task) or self._clock.now() - loaded_at > FRESH_SECONDS:
            while len(self._sites) >= MOST_SITES:
                del self._sites[next(iter(self._sites))]
            task = asyncio.ensure_future(self._parsed(address))
            self._sites[address] = (self._clock.now(), task)
        # One who is cancelled takes nothing from the others who wait for the same site.
        return await asyncio.shield(task)

    async def _parsed(self, address: httpx.URL) -> Protego:
        return Protego.parse(await self._load(address))

    async def close(self) -> None:
        tasks = [task for _, task in self._sites.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _has_failed(task: asyncio.Task[Protego]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def robots_text(response: aiohttp.ClientResponse, asked: httpx.URL) -> str:
    """The first 500 kibibytes; empty when the site has none (4xx).

    Raises TransientMediaError when it cannot tell now: then nothing of the site may be asked (RFC 9309, 2.3.1.4).
    """
    if response.status in TRANSIENT_STATUSES or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        check_status(response.status, response.headers, asked)
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        return ""
    text = bytearray()
    async for chunk in response.content.iter_any():
        text += chunk
        if len(text) >= MOST_BYTES:
            break
    return bytes(text[:MOST_BYTES]).decode("utf-8", "replace")


def check_tags(values: Iterable[str], product: str) -> None:
    """The X-Robots-Tag headers of an answer. Raises RefusedByOrigin (`x_robots_noai`)."""
    for value in values:
        robot, colon, rest = value.partition(":")
        named = bool(colon) and "," not in robot and robot.strip().lower() not in WITH_VALUES
        if named and robot.strip().lower() != product.lower():
            continue
        said = {word.strip().lower() for word in (rest if named else value).split(",")}
        if found := sorted(said & FORBIDDING):
            raise RefusedByOrigin("x_robots_noai", f"x_robots_noai: X-Robots-Tag says {', '.join(found)}")
