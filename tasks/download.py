"""Fetches what a chunk has that is new."""

from prefect import task

from sais.pipeline.download import download_chunk
from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from sais_models import Chunk
from tasks.policy import RETRIED, is_last_try
from tasks.reporting import log_report


@task(name="download", task_run_name="download-{chunk.name}", **RETRIED)
async def download(chunk: Chunk, resources: Resources) -> ChunkReport:
    async with resources.gates["download"]:
        return log_report(await download_chunk(resources, chunk, last_try=is_last_try()))
