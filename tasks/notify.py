"""Calls the client back for what has settled."""

from prefect import task

from sais.pipeline.notify import notify_chunk
from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from tasks.policy import RETRIED
from tasks.reporting import log_report


@task(name="notify", task_run_name="notify-{resized.chunk.name}", **RETRIED)
async def notify(resized: ChunkReport, resources: Resources) -> ChunkReport:
    return log_report(await notify_chunk(resources, resized.chunk))
