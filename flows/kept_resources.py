"""Configuration, database, storages and fetcher kept open between the runs of one process.

Loading the blocks takes 0.3 s and opening the rest 0.1 s: too long for each request of a single image.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar

from blocks.configuration import load_configuration
from sais.configuration import Configuration
from sais.pipeline.holding import Hold, holding
from sais.pipeline.resources import Resources, open_resources

# A block that was edited is used by the next run after this long.
FRESH_SECONDS = 10.0


class _Opened:
    """Resources that runs borrow, closed when they are out of date and the last one has given them back."""

    def __init__(self, resources: Resources, stack: AsyncExitStack) -> None:
        self.resources = resources
        self.borrowers = 0
        self.outdated = False
        self._stack = stack

    @classmethod
    async def of(cls, configuration: Configuration) -> "_Opened":
        stack = AsyncExitStack()
        return cls(await stack.enter_async_context(open_resources(configuration, "kept")), stack)

    async def close_if_unused(self) -> None:
        if self.outdated and not self.borrowers:
            await self._stack.aclose()


class KeptResources:
    """Made once a process; `lend` gives each run resources with its own leases, gates and ledger."""

    def __init__(self, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._fresh_seconds = fresh_seconds
        self._opened: _Opened | None = None
        self._loaded_at = 0.0
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Loads the configuration again when it is not fresh, and opens everything anew when it has changed."""
        async with self._lock:
            if self._opened is not None and time.monotonic() - self._loaded_at < self._fresh_seconds:
                return
            configuration = await load_configuration()
            if self._opened is None or self._opened.resources.configuration != configuration:
                opened, former = await _Opened.of(configuration), self._opened
                self._opened = opened
                await _retire(former)
            self._loaded_at = time.monotonic()

    @asynccontextmanager
    async def lend(self, run: str) -> AsyncIterator[Resources]:
        await self.refresh()
        opened = self._opened
        if opened is None:
            raise RuntimeError("these resources are closed")
        opened.borrowers += 1
        kept = opened.resources
        try:
            async with holding(kept.engine, run, kept.settings.lease_seconds) as hold:
                yield _for_run(kept, hold)
        finally:
            opened.borrowers -= 1
            await opened.close_if_unused()

    async def close(self) -> None:
        former, self._opened = self._opened, None
        await _retire(former)


async def _retire(opened: _Opened | None) -> None:
    if opened is not None:
        opened.outdated = True
        await opened.close_if_unused()


def _for_run(shared: Resources, hold: Hold) -> Resources:
    resources = Resources(
        shared.configuration,
        hold.run,
        engine=shared.engine,
        archive=shared.archive,
        cache=shared.cache,
        fetcher=shared.fetcher,
        workers=shared.workers,
        presets=shared.presets,
        hold=hold,
    )
    # The chunks here are requests of different clients, each of a few images: none waits for another's slow origin.
    many = shared.settings.fetch_concurrency
    resources.gates = {"download": asyncio.Semaphore(many), "resize": asyncio.Semaphore(many)}
    return resources


KEPT: ContextVar[KeptResources | None] = ContextVar("kept_resources", default=None)


@asynccontextmanager
async def resources_for(run: str) -> AsyncIterator[Resources]:
    """Those that this process keeps; opened for this run alone where nothing is kept, as in a worker's process."""
    kept = KEPT.get()
    if kept is not None:
        async with kept.lend(run) as resources:
            yield resources
    else:
        async with open_resources(await load_configuration(), run) as resources:
            yield resources
