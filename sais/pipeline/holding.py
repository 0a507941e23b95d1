"""What a run holds stays its own while it lives: leases renewed in the background, and cancelled batches noticed."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from sais.catalog.batches import cancelled_batches
from sais.catalog.database import writing
from sais.catalog.media import Lease, release_leases, renew_leases
from sais.catalog.threaded import ThreadedDatabase
from sais_models.columns import utc_now

log = logging.getLogger(__name__)

# Asking costs half a millisecond: a cancelled batch ends this soon.
LOOK_SECONDS = 1.0
# Three renewals may fail before a lease runs out.
RENEWALS_IN_A_LEASE = 4


class Hold:
    """`run` is the id that leases carry, `seconds` how long they last, `in_hand` the codes that a step works on now."""

    def __init__(self, database: ThreadedDatabase, run: str, seconds: float) -> None:
        self.run = run
        self.in_hand: set[str] = set()
        self._database = database
        self._length = timedelta(seconds=seconds)
        self._renewed_at = utc_now()
        self._absences = 0
        self._cancelled: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)

    def lease(self) -> Lease:
        return Lease(self.run, utc_now() + self._length, self._absences)

    def is_sure(self, lease: Lease) -> bool:
        """False when the run was away since then for so long that others may have taken what it held."""
        return lease.absences == self._absences and utc_now() < self._renewed_at + self._length

    def is_cancelled(self, batch: int) -> bool:
        return self._cancelled[batch].is_set()

    async def until_cancelled(self, batch: int, work: Coroutine[Any, Any, None]) -> bool:
        """Does `work`, and stops it where it is when the batch is cancelled. Whether it came to its end."""
        working = asyncio.ensure_future(work)
        cancelled = asyncio.ensure_future(self._cancelled[batch].wait())
        try:
            await asyncio.wait({working, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                return False
            await working
            return True
        finally:
            for task in (working, cancelled):
                task.cancel()
            await asyncio.gather(working, cancelled, return_exceptions=True)

    async def keep(self) -> None:
        """Renews and looks until it is stopped. A database that is away is asked again: leases outlive it a while."""
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, self._length.total_seconds() / RENEWALS_IN_A_LEASE))
            try:
                if utc_now() >= self._renewed_at + self._length / RENEWALS_IN_A_LEASE:
                    await self._renew()
                for batch in await self._database.read(cancelled_batches, self.run):
                    self._cancelled[batch].set()
            except SQLAlchemyError as error:
                log.warning("the leases of %s are not renewed now: %s", self.run, type(error).__name__)

    async def _renew(self) -> None:
        lease = self.lease()
        if utc_now() >= self._renewed_at + self._length:
            self._absences += 1
        await self._database.write(renew_leases, lease)
        self._renewed_at = lease.until - self._length


@asynccontextmanager
async def holding(engine: Engine, run: str, seconds: float) -> AsyncIterator[Hold]:
    """Renewed while the block lasts; at its end everything is given back."""
    # A thread of its own: the loop's are all taken while many files are being written.
    with ThreadPoolExecutor(1, thread_name_prefix="hold") as thread:
        hold = Hold(ThreadedDatabase(engine, thread, thread), run, seconds)
        keeping = asyncio.create_task(hold.keep())
        try:
            yield hold
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            with writing(engine) as connection:
                release_leases(connection, run)
