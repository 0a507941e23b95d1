"""Clock: the time by which hosts are paused and paced; a value, so that it can be another one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """`now` in seconds from any start, never backwards; `sleep` waits so many of them."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


SYSTEM = Clock(time.monotonic, asyncio.sleep)
