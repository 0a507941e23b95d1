"""Writes a chunk's originals into the archive."""

from prefect import task

from sais.pipeline.archive import archive_chunk
from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from tasks.policy import RETRIED
from tasks.reporting import log_report


@task(name="archive", task_run_name="archive-{downloaded.chunk.name}", **RETRIED)
async def archive(downloaded: ChunkReport, resources: Resources) -> ChunkReport:
    return log_report(await archive_chunk(resources, downloaded.chunk))
