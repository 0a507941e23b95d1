"""Doing many things at once, and saving the results in pieces as they come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sais.finishing import to_its_end

Result = TypeVar("Result")
Thing = TypeVar("Thing")


async def all_of(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results in the order of the work. The first error ends the rest and is raised."""
    async with _under_way(work) as tasks:
        return await asyncio.gather(*tasks)


async def in_pieces(
    work: Iterable[Coroutine[Any, Any, Result]], size: int, save: Callable[[list[Result]], Awaitable[None]]
) -> None:
    """Hands the results to `save` in the order in which they come, `size` at a time.

    The first error ends the rest and is raised. What had come before it, or before whoever waits here was cancelled,
    is saved all the same, and a piece that is being saved is saved to its end.
    """
    async with _under_way(work) as tasks:
        finished: asyncio.Queue[asyncio.Task[Result]] = asyncio.Queue()
        for task in tasks:
            task.add_done_callback(finished.put_nowait)
        left = set(tasks)
        piece: list[Result] = []
        try:
            while left:
                task = await finished.get()
                left.discard(task)
                piece.append(task.result())
                if len(piece) >= size or not left:
                    whole, piece = piece, []
                    await to_its_end(save(whole))
        except (Exception, asyncio.CancelledError):
            piece += [task.result() for task in left if _has_result(task)]
            if piece:
                await to_its_end(save(piece))
            raise


@asynccontextmanager
async def _under_way(work: Iterable[Coroutine[Any, Any, Result]]) -> AsyncIterator[list[asyncio.Task[Result]]]:
    """At the end of the block nothing of it goes on."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _has_result(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def groups(
    things: Iterable[Thing], *, most: int, weight: Callable[[Thing], int] = lambda _: 0, limit: int = 0
) -> Iterator[list[Thing]]:
    """In their order, at most `most` in a group, and together no heavier than `limit` unless one alone is."""
    group: list[Thing] = []
    held = 0
    for thing in things:
        heavy = weight(thing)
        if group and (len(group) >= most or held + heavy > limit):
            yield group
            group, held = [], 0
        group.append(thing)
        held += heavy
    if group:
        yield group
