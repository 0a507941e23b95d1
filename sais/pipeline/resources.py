"""What the steps of one run share: the database, the storages, the fetcher, the imaging workers and the presets."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from sais.catalog.database import open_database, writing
from sais.catalog.media import Lease
from sais.catalog.presets import current_presets, publish_presets
from sais.catalog.threaded import ThreadedDatabase
from sais.configuration import Configuration
from sais.fetching import Fetcher, Guard
from sais.pipeline.holding import Hold, holding
from sais.pipeline.imaging_workers import ImagingWorkers, imaging_workers
from sais.pipeline.ledger import Ledger
from sais.storage import Storage, open_storage
from sais_models import PresetSettings

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Resources:
    """Opened once a run and handed to every step; `gates` let only so many chunks into a step at once.

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
        self._database = ThreadedDatabase(engine)
        # Two chunks download at once, so that the slowest image of one does not hold up the next; imaging takes one
        # chunk after the other with all its workers, so that the first chunk is done as early as possible.
        self.gates = {"download": asyncio.Semaphore(2), "resize": asyncio.Semaphore(1)}

    @property
    def worker_count(self) -> int:
        return self.settings.imaging_workers or os.cpu_count() or 1

    def lease(self) -> Lease:
        return self.hold.lease()

    def original(self, path: str) -> Path:
        """Where the local copy of an original is."""
        return self.settings.originals_dir / path

    async def read(
        self,
        question: Callable[Concatenate[Connection, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        with self.ledger.timing("database"):
            return await self._database.read(question, *args, **kwargs)

    async def write(
        self,
        change: Callable[Concatenate[Connection, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """One transaction."""
        with self.ledger.timing("database"):
            return await self._database.write(change, *args, **kwargs)


@asynccontextmanager
async def open_resources(configuration: Configuration, run: str) -> AsyncIterator[Resources]:
    """`run` is the id that leases carry. Raises SettingsError or StorageError when something cannot be opened."""
    async with AsyncExitStack() as stack:
        engine = await asyncio.to_thread(open_database, configuration.database_url)
        stack.callback(engine.dispose)
        with writing(engine) as connection:
            publish_presets(connection, configuration.presets or tuple(current_presets(connection).values()))
            presets = current_presets(connection)
        yield Resources(
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
