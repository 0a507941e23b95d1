"""New work goes first: while batches are open, stale thumbs are made again one part at a time, with pauses."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sais.catalog.batches import any_open
from sais.pipeline.resources import Resources

# A batch that never settles must not hold this up for ever: after so long one part is done all the same.
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 1.0


class GivingWay:
    """No dataclass: Prefect would walk through all of it at every task."""

    def __init__(
        self, resources: Resources, *, patience: float = PATIENCE_SECONDS, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._resources, self._patience, self._tell = resources, patience, tell
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Where a part is worked on."""
        if not await self._resources.read(any_open):
            yield
            return
        async with self._alone:
            await self._until_quiet()
            yield

    async def _until_quiet(self) -> None:
        deadline = time.monotonic() + self._patience
        told = False
        while await self._resources.read(any_open) and time.monotonic() < deadline:
            if not told:
                self._tell(f"gives way to open batches, for up to {self._patience:.0f} s")
                told = True
            await asyncio.sleep(LOOK_SECONDS)
