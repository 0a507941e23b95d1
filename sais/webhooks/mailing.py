"""The outbox at work: the database and the fetcher that sending needs, and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from sais.catalog.database import open_database
from sais.catalog.deliveries import count_deliveries
from sais.catalog.receivers import next_due, tell_dead_receivers
from sais.catalog.threaded import ThreadedDatabase
from sais.configuration import Configuration
from sais.fetching import Fetcher
from sais.webhooks.sending import RECEIVER_CONCURRENCY, RECEIVERS_AT_ONCE, Scope, send_due
from sais_models import DeliveryMarking, Receiver
from sais_models.columns import utc_now

WAITED_SECONDS = 3_600
SHORTEST_PAUSE = 0.1


class Mailing:
    """No dataclass: Prefect would walk through all of it at every task."""

    def __init__(self, database: ThreadedDatabase, fetcher: Fetcher, extra_secrets: Sequence[str] = ()) -> None:
        self._database, self._fetcher, self._extra = database, fetcher, extra_secrets

    async def deliver_due(self, scope: Scope | None = None) -> dict[str, int]:
        """Sends what is due now; how many are delivered, pending (put off) and dead after it."""
        sent = await send_due(self._database, self._fetcher, scope or Scope(), extra_secrets=self._extra)
        return {str(marking): count for marking, count in sent.items()}

    async def deliver_batch(self, batch_id: int) -> int:
        """Goes on until every webhook of the batch is delivered or dead, at most an hour. How many still wait."""
        deadline = time.monotonic() + WAITED_SECONDS
        while True:
            await self.deliver_due(Scope(batch_id=batch_id))
            due = await self._database.read(next_due, batch_id)
            if due is None or time.monotonic() > deadline:
                break
            pause = (due - utc_now()).total_seconds()
            await asyncio.sleep(min(max(pause, SHORTEST_PAUSE), max(deadline - time.monotonic(), 0)))
        counts = await self._database.read(count_deliveries, batch_id)
        return counts.get(DeliveryMarking.PENDING, 0)

    async def wind_down(self, seconds: float) -> None:
        """Nothing is sent any more; waits at most so long for the requests under way."""
        await self._fetcher.wind_down(seconds)

    async def newly_dead(self) -> list[Receiver]:
        """Receivers that have died since this was last asked."""
        return await self._database.write(tell_dead_receivers)


@asynccontextmanager
async def open_mailing(configuration: Configuration) -> AsyncIterator[Mailing]:
    """Without storages, presets and imaging workers: a run that has nothing to send is over at once."""
    async with AsyncExitStack() as stack:
        engine = await asyncio.to_thread(open_database, configuration.database_url)
        stack.callback(engine.dispose)
        slots = {"fetch_concurrency": RECEIVERS_AT_ONCE * RECEIVER_CONCURRENCY}  # slow receivers take none from others
        settings = configuration.settings.model_copy(update=slots)
        fetcher = await stack.enter_async_context(Fetcher(settings))
        yield Mailing(ThreadedDatabase(engine), fetcher, configuration.extra_secrets)
