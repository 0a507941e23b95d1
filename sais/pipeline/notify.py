"""The notify step: the webhooks that are due leave the outbox."""

import asyncio
import time

from sais.catalog.deliveries import count_deliveries, next_due
from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from sais.webhooks.sending import send_due
from sais_models import Chunk, DeliveryMarking
from sais_models.columns import utc_now

WAITED_SECONDS = 3_600


async def notify_chunk(resources: Resources, chunk: Chunk) -> ChunkReport:
    """A receiver that is down fails nothing here: its deliveries stay in the outbox for `deliver-webhooks`."""
    start = time.perf_counter()
    report = ChunkReport("notify", chunk)
    sent = await deliver_due(resources, batch_id=chunk.batch)
    report.done = sent[DeliveryMarking.DELIVERED]
    report.seconds = time.perf_counter() - start
    return report


async def deliver_due(resources: Resources, *, batch_id: int | None = None) -> dict[str, int]:
    """Sends what is due now, of one batch or of all; how many are delivered, pending (put off) and dead after it."""
    with resources.ledger.timing("webhooks"):
        sent = await send_due(
            resources.engine,
            resources.fetcher,
            batch_id=batch_id,
            extra_secrets=resources.configuration.extra_secrets,
        )
    resources.ledger.counts["webhooks"] += sent[DeliveryMarking.DELIVERED]
    return {str(marking): count for marking, count in sent.items()}


async def deliver_batch(resources: Resources, batch_id: int) -> int:
    """Goes on until every webhook of the batch is delivered or dead, at most an hour. Returns how many still wait."""
    deadline = time.monotonic() + WAITED_SECONDS
    while True:
        await deliver_due(resources, batch_id=batch_id)
        due = await resources.read(next_due, batch_id)
        if due is None or time.monotonic() > deadline:
            break
        pause = (due - utc_now()).total_seconds()
        await asyncio.sleep(min(max(pause, 0.1), deadline - time.monotonic()))
    counts = await resources.read(count_deliveries, batch_id)
    return counts.get(DeliveryMarking.PENDING, 0)
