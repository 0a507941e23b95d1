"""Doing many things at once and taking the results in pieces as they come."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")
Thing = TypeVar("Thing")


async def in_pieces(work: Iterable[Coroutine[Any, Any, Result]], size: int) -> AsyncIterator[list[Result]]:
    """Results in the order in which they come, `size` at a time. The first error ends the rest and is raised.

    What had come before the error, or before whoever waits here was cancelled, is given out first, so that it can be
    saved.
    """
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    finished: asyncio.Queue[asyncio.Task[Result]] = asyncio.Queue()
    for task in tasks:
        task.add_done_callback(finished.put_nowait)
    left = set(tasks)
    piece: list[Result] = []
    try:
        while left:
            try:
                task = await finished.get()
                left.discard(task)
                piece.append(task.result())
            except (Exception, asyncio.CancelledError):
                piece += [task.result() for task in left if _has_result(task)]
                if piece:
                    yield piece
                raise
            if len(piece) >= size:
                yield piece
                piece = []
        if piece:
            yield piece
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
