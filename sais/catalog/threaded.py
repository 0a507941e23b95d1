"""The database asked from an event loop: each question and each transaction in a thread, so that the loop goes on."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from sais.catalog.database import reading, writing
from sais.finishing import to_its_end

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class ThreadedDatabase:
    """`readers` and `writers` are pools of threads; without them the loop's own pool serves both."""

    def __init__(self, engine: Engine, readers: Executor | None = None, writers: Executor | None = None) -> None:
        self.engine, self._readers, self._writers = engine, readers, writers

    async def read(
        self,
        question: Callable[Concatenate[Connection, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        def ask() -> Answer:
            with reading(self.engine) as connection:
                return question(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._readers, contextvars.copy_context().run, ask)

    async def write(
        self,
        change: Callable[Concatenate[Connection, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """One transaction. Once asked for it comes to its end: a lease that is taken after its run has given back all
        would be held by nobody."""

        def commit() -> Answer:
            with writing(self.engine) as connection:
                return change(connection, *args, **kwargs)

        loop = asyncio.get_running_loop()
        return await to_its_end(loop.run_in_executor(self._writers, contextvars.copy_context().run, commit))
