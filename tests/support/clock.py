"""A clock that does not wait: who sleeps finds that the time has passed."""

import asyncio

from sais.fetching.clock import Clock


class JumpingClock:
    """`slept` has each sleep in seconds; `pass_time` moves the clock without anybody sleeping."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.time, self._sleep)

    def pass_time(self, seconds: float) -> None:
        self.time += seconds

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)
