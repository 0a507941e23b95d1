"""The notify step: the webhooks that are due leave the outbox."""

import time

from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from sais.webhooks.sending import Scope
from sais_models import Chunk, DeliveryMarking


async def notify_chunk(resources: Resources, chunk: Chunk) -> ChunkReport:
    """A receiver that is down or slow holds nothing up here: what is not sent in time stays for `deliver-webhooks`."""
    start = time.perf_counter()
    report = ChunkReport("notify", chunk)
    scope = Scope(batch_id=chunk.batch, seconds=resources.settings.notify_seconds)
    with resources.ledger.timing("webhooks", chunk.images):
        sent = await resources.mailing.deliver_due(scope)
    report.done = sent[DeliveryMarking.DELIVERED]
    resources.ledger.counts["webhooks"] += report.done
    report.seconds = time.perf_counter() - start
    return report
