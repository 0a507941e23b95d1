"""What every request shares, opened once; a handler gets it as the dependency `State`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Request
from sqlalchemy import Connection, Engine

from gateway.health import Health
from sais.catalog.database import open_database, reading, writing
from sais.catalog.presets import publish_presets
from sais.configuration import Configuration
from sais.fetching import Guard
from sais.overview import count_queue
from sais.runs import PrefectApi, PrefectSettings, Runs
from sais.settings import Settings
from sais.storage import Storage, open_storage

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
# Readers have threads of their own: writers may wait for SQLite's lock, and no picture should wait with them.
READERS, WRITERS = 8, 4


class Database:
    """Questions and transactions, each in a thread, so that the event loop goes on serving."""

    def __init__(self, engine: Engine, readers: ThreadPoolExecutor, writers: ThreadPoolExecutor) -> None:
        self._engine, self._readers, self._writers = engine, readers, writers

    async def read(
        self,
        question: Callable[Concatenate[Connection, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        def ask() -> Answer:
            with reading(self._engine) as connection:
                return question(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._readers, ask)

    async def write(
        self,
        change: Callable[Concatenate[Connection, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """One transaction."""

        def commit() -> Answer:
            with writing(self._engine) as connection:
                return change(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._writers, commit)


@dataclass(frozen=True)
class GatewayState:
    configuration: Configuration
    database: Database
    cache: Storage
    guard: Guard
    runs: Runs
    health: Health

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
        database = Database(engine, readers, writers)
        await database.write(publish_presets, configuration.presets)
        api = await stack.enter_async_context(PrefectApi(prefect))
        yield GatewayState(
            configuration=configuration,
            database=database,
            cache=await stack.enter_async_context(open_storage(configuration.cache_url, configuration.cache_options)),
            guard=Guard(configuration.settings.allow_hosts),
            runs=Runs(api),
            health=Health(api, lambda: database.read(count_queue)),
        )


def _state_of(request: Request) -> GatewayState:
    state: GatewayState = request.app.state.gateway
    return state


State = Annotated[GatewayState, Depends(_state_of)]
