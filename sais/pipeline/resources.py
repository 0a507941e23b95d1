"""What the steps of one run share: the database, the storages, the fetcher, the imaging workers and the presets."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from sais.catalog.database import open_database, writing
from sais.catalog.media import Lease
from sais.catalog.presets import current_presets, publish_presets
from sais.catalog.threaded import ThreadedDatabase
from sais.configuration import Configuration
from sais.fetching import Fetcher, Guard, Waits
from sais.pipeline.holding import Hold, holding
from sais.pipeline.imaging_workers import ImagingWorkers, imaging_workers
from sais.pipeline.ledger import Ledger
from sais.pipeline.leftovers import INCOMING, remove_leftovers
from sais.pipeline.patience import patiently
from sais.slots import Slots
from sais.storage import Storage, open_storage
from sais.webhooks.mailing import Mailing
from sais_models import PresetSettings

# One in the worker, one that waits for it, one that is being kept.
GROUPS_A_WORKER = 3

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Resources:
    """Opened once a run and handed to every step; `gates` let only so many chunks into a step at once, and
    `leaves_off` says whether the run is to begin nothing more.

    No dataclass: Prefect would walk through all of it at every task.
    """

    def __init__(
        self,
        configuration: Configuration,
        run: str,
        *,
        engine: Engine,
        archive: Storage,
        cache: Storage,
        fetcher: Fetcher,
        workers: ImagingWorkers,
        presets: dict[str, PresetSettings],
        hold: Hold,
    ) -> None:
        self.configuration = configuration
        self.settings = configuration.settings
        self.run = run
        self.engine = engine
        self.archive = archive
        self.cache = cache
        self.fetcher = fetcher
        self.workers = workers
        self.presets = presets
        self.hold = hold
        self.guard = Guard(configuration.settings.allow_hosts)
        self.ledger = Ledger()
        self.database = ThreadedDatabase(engine)
        self.leaves_off: Callable[[], Awaitable[bool]] = _never
        self.mailing = Mailing(self.database, fetcher, configuration.extra_secrets)
        # Two chunks at once, so that the slowest image of one does not hold up the next, and so that the imaging
        # workers have the next chunk's pictures when they have taken the last of one.
        self.gates = {"download": asyncio.Semaphore(2), "resize": asyncio.Semaphore(2)}
        # Groups of pictures that wait for a worker, are in one, or whose thumbs are on their way to the cache: first
        # come, first served, so that the first chunk is done as early as possible.
        self.imaging = Slots(GROUPS_A_WORKER * self.worker_count)

    @contextmanager
    def downloading(self) -> Iterator[Waits]:
        """One image from its origin. What it waited for leave to ask is kept apart from what it waited for bytes."""
        waits = Waits()
        try:
            with self.ledger.timing("download"):
                yield waits
        finally:
            self.ledger.add("host politeness", waits.host)
            self.ledger.add("fetch slots", waits.slots)

    async def wind_down(self, seconds: float) -> None:
        """Nothing is begun any more; waits at most so long for the images in hand."""
        await asyncio.gather(self.fetcher.wind_down(seconds), self.imaging.wind_down(seconds))

    @property
    def worker_count(self) -> int:
        return self.settings.imaging_workers or os.cpu_count() or 1

    def lease(self) -> Lease:
        return self.hold.lease()

    def original(self, path: str) -> Path:
        """Where the local copy of an original is."""
        return self.settings.originals_dir / path

    def incoming(self, root: str, code: str) -> Path:
        """Where an original is while it comes in, a place of this run's own; what is left there is removed later."""
        return self.settings.originals_dir / root / INCOMING / f"{code}.{self.run}"

    async def patiently(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """A question to a storage, asked again while that does not answer."""
        return await patiently(ask, self.settings.storage_seconds)

    async def read(
        self,
        question: Callable[Concatenate[Connection, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        with self.ledger.timing("database"):
            return await self.database.read(question, *args, **kwargs)

    async def write(
        self,
        change: Callable[Concatenate[Connection, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """One transaction."""
        with self.ledger.timing("database"):
            return await self.database.write(change, *args, **kwargs)


async def _never() -> bool:
    return False


@asynccontextmanager
async def open_resources(configuration: Configuration, run: str) -> AsyncIterator[Resources]:
    """`run` is the id that leases carry. Raises SettingsError or StorageError when something cannot be opened."""
    async with AsyncExitStack() as stack:
        engine = await asyncio.to_thread(open_database, configuration.database_url)
        stack.callback(engine.dispose)
        with writing(engine) as connection:
            publish_presets(connection, configuration.presets or tuple(current_presets(connection).values()))
            presets = current_presets(connection)
        resources = Resources(
            configuration,
            run,
            engine=engine,
            archive=await stack.enter_async_context(
                open_storage(configuration.archive_url, configuration.archive_options)
            ),
            cache=await stack.enter_async_context(open_storage(configuration.cache_url, configuration.cache_options)),
            fetcher=await stack.enter_async_context(Fetcher(configuration.settings)),
            workers=stack.enter_context(imaging_workers(configuration.settings.imaging_workers or os.cpu_count() or 1)),
            presets=presets,
            hold=await stack.enter_async_context(holding(engine, run, configuration.settings.lease_seconds)),
        )
        await remove_leftovers(configuration.settings, resources.archive, resources.cache)
        yield resources
