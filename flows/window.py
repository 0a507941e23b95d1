"""Working on a few chunks at once, in their order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")


async def in_window(work: Callable[[Thing], Awaitable[None]], things: Iterable[Thing], *, size: int) -> list[Exception]:
    """`work` on each of `things`, at most `size` under way. One that fails stops no other; returns the errors.

    Only what is under way exists as tasks, so that memory does not grow with the number of chunks. Who is cancelled
    here waits until all of them have ended: one may be saving what has come, for which it needs the run's leases.
    """
    troubles: list[Exception] = []
    waiting = iter(things)

    async def worker() -> None:
        for thing in waiting:
            try:
                await work(thing)
            except Exception as error:  # the others go on; the run fails at its end
                troubles.append(error)

    for ended in await asyncio.gather(*(worker() for _ in range(size)), return_exceptions=True):
        if ended is not None:
            raise ended
    return troubles
