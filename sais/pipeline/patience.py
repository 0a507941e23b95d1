"""A storage that is away for a minute, busy or full is asked again, before the step gives up."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sais.errors import FileMissing, StorageError

Answer = TypeVar("Answer")

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


async def patiently(ask: Callable[[], Awaitable[Answer]], seconds: float) -> Answer:
    """`ask` again and again, with growing pauses, for so long. Raises its last StorageError; FileMissing at once."""
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE
    while True:
        try:
            return await ask()
        except FileMissing:
            raise
        except StorageError:
            if time.monotonic() + pause > deadline:
                raise
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE)
