"""How many requests run at once, in all and for one host."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter

from sais.slots import Slots


@dataclass
class Waits:
    """Seconds that requests waited for leave to begin: `host` for the host's slot, pace and pause, `slots` for one of
    all slots."""

    host: float = 0.0
    slots: float = 0.0


@dataclass
class _Queue:
    slots: asyncio.Semaphore
    users: int = 0


class HostSlots:
    """At most `total` holders at once, `per_host` of them for one host. `len()` is the number of hosts in use now."""

    def __init__(self, total: int, per_host: int) -> None:
        self.total = Slots(total)
        self._per_host = per_host
        self._queues: dict[str, _Queue] = {}

    def __len__(self) -> int:
        return len(self._queues)

    @asynccontextmanager
    async def hold(
        self, host: str, visit: AbstractAsyncContextManager[None] | None = None, waits: Waits | None = None
    ) -> AsyncIterator[bool]:
        """Waits for a slot; gives whether others use or want the same host, so that a connection is worth keeping.

        The host's slot first, then `visit`, then one of all: those who wait for a slow or paused host keep no slot
        from the others.
        A host is forgotten with its last user. To `waits` is added how long it took, also when it came to nothing.
        """
        waits = waits or Waits()
        queue = self._queues.setdefault(host, _Queue(asyncio.Semaphore(self._per_host)))
        queue.users += 1
        started, admitted = perf_counter(), 0.0
        try:
            async with queue.slots, visit or nullcontext():
                admitted = perf_counter()
                async with self.total:
                    waits.slots += perf_counter() - admitted
                    yield queue.users > 1
        finally:
            waits.host += (admitted or perf_counter()) - started
            queue.users -= 1
            if not queue.users:
                del self._queues[host]
