"""One batch worked on to its end without Prefect, by a process that can be killed at any seam and started again.

SAIS_HOME=… python -m tests.chaos.one_batch BATCH
"""

import asyncio
import sys

from sais.catalog.deliveries import count_deliveries
from sais.pipeline.notify import notify_chunk
from sais.pipeline.plan import Order
from sais.pipeline.resources import Resources
from sais.settings import Settings
from sais_models import Chunk, DeliveryMarking
from tests.support.batches import Museum

PAUSE_SECONDS = 0.2


async def work_until_settled(batch: int) -> None:
    """Again and again, as sweeps do it: what the process before this one held is free after a while."""
    museum = Museum(Settings())
    async with museum.run() as resources:
        while True:
            worked = await museum.ingest(resources, Order("museum", batch=batch))
            await notify_chunk(resources, Chunk("museum", batch, 1, 0, 0, 0, 0))
            if worked.status.settled and not await _waiting(resources):
                return
            await asyncio.sleep(PAUSE_SECONDS)


async def _waiting(resources: Resources) -> int:
    return (await resources.read(count_deliveries)).get(DeliveryMarking.PENDING, 0)


if __name__ == "__main__":
    asyncio.run(work_until_settled(int(sys.argv[1])))
