"""Slots: at most so many at once, until nothing more is to be begun."""

import asyncio
from contextlib import suppress

WATCH_SECONDS = 0.02


class Slots:
    """`async with slots:` waits for one of `total`. `holders` of them are in use."""

    def __init__(self, total: int) -> None:
        self.holders = 0
        self._semaphore = asyncio.Semaphore(total)
        self._closed = False

    async def __aenter__(self) -> None:
        await self._semaphore.acquire()
        if self._closed:
            await asyncio.Future[None]()
        self.holders += 1

    async def __aexit__(self, *_: object) -> None:
        self.holders -= 1
        self._semaphore.release()

    async def wind_down(self, seconds: float) -> None:
        """Nobody gets a slot any more: who asks for one waits until it is cancelled. Waits at most so long for those
        who have one."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.holders:  # noqa: ASYNC110  a counter, asked for 4 s at most
                    await asyncio.sleep(WATCH_SECONDS)
