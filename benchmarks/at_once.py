"""So many of something at once, and the CPU of it. Standard library only: other virtual environments use it too."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


async def cpu_of_each(work: Callable[[Item], Awaitable[object]], items: Sequence[Item], at_once: int) -> float:
    """CPU seconds of this process for one item. The first `at_once` only open the connections: they do not count."""
    await _all(work, items[:at_once], at_once)
    start = time.process_time()
    await _all(work, items[at_once:], at_once)
    return (time.process_time() - start) / (len(items) - at_once)


async def _all(work: Callable[[Item], Awaitable[object]], items: Sequence[Item], at_once: int) -> None:
    waiting = iter(items)

    async def one_after_the_other() -> None:
        for item in waiting:
            await work(item)

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
