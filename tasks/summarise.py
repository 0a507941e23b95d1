"""Tells people what came of a batch."""

import asyncio

from prefect import task
from prefect.logging import get_run_logger

from sais.pipeline.resources import Resources
from sais.pipeline.summary import count_failures, sheet_of, status_of, summary_markdown
from sais_models import Batch
from sais_models.wire import BatchStatus
from tasks.artifacts import show_contact_sheet, show_failures, show_summary
from tasks.policy import RETRIED


@task(name="summarise", task_run_name="summarise-{batch.root}-b{batch.id}", **RETRIED)
async def summarise(batch: Batch, resources: Resources) -> BatchStatus:
    status, failures, sheet = await asyncio.gather(
        status_of(resources, batch), count_failures(resources, batch), sheet_of(resources, batch)
    )
    markdown = summary_markdown(
        status,
        resources.ledger,
        workers=resources.worker_count,
        public_url=resources.settings.public_url,
        pauses=resources.fetcher.politeness.pauses(),
    )
    await asyncio.gather(
        show_summary(batch, markdown),
        *([show_failures(batch, failures)] if failures else []),
        *([show_contact_sheet(batch, sheet)] if sheet is not None else []),
    )
    get_run_logger().info(
        "batch %s: %s done, %s failed, %s rejected, %s pending",
        status.id,
        status.done,
        status.failed,
        status.rejected,
        status.pending,
    )
    return status
