"""What every request shares, opened once; a handler gets it as the dependency `State`."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from sais.catalog.database import open_database
from sais.catalog.presets import publish_presets
from sais.catalog.threaded import ThreadedDatabase
from sais.configuration import Configuration
from sais.fetching import Guard
from sais.health import Watch
from sais.intake import Intake
from sais.runs import PrefectApi, PrefectSettings, Runs
from sais.settings import Settings
from sais.storage import Storage, open_storage

# Readers have threads of their own: writers may wait for SQLite's lock, and no picture should wait with them.
READERS, WRITERS = 8, 4


@dataclass(frozen=True)
class GatewayState:
    configuration: Configuration
    database: ThreadedDatabase
    cache: Storage
    guard: Guard
    runs: Runs
    watch: Watch

    @property
    def intake(self) -> Intake:
        return Intake(self.database, self.configuration, self.guard)

    @property
    def settings(self) -> Settings:
        return self.configuration.settings

    @property
    def public_url(self) -> str:
        return self.configuration.settings.public_url


@asynccontextmanager
async def open_state(configuration: Configuration, prefect: PrefectSettings) -> AsyncIterator[GatewayState]:
    """Raises SettingsError or StorageError when something cannot be opened. Prefect need not be there."""
    async with AsyncExitStack() as stack:
        engine = await asyncio.to_thread(open_database, configuration.database_url)
        stack.callback(engine.dispose)
        readers = stack.enter_context(ThreadPoolExecutor(READERS, "reading"))
        writers = stack.enter_context(ThreadPoolExecutor(WRITERS, "writing"))
        database = ThreadedDatabase(engine, readers, writers)
        await database.write(publish_presets, configuration.presets)
        api = await stack.enter_async_context(PrefectApi(prefect))
        yield GatewayState(
            configuration=configuration,
            database=database,
            cache=await stack.enter_async_context(open_storage(configuration.cache_url, configuration.cache_options)),
            guard=Guard(configuration.settings.allow_hosts),
            runs=Runs(api),
            watch=Watch(configuration, database, api),
        )


async def _state_of(request: Request) -> GatewayState:
    """Asynchronous, because FastAPI sends a plain function through a thread: 0.3 ms for every request."""
    state: GatewayState = request.app.state.gateway
    return state


State = Annotated[GatewayState, Depends(_state_of)]
