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
    last_try = is_last_try()
    async with resources.gates["download"]:
        report = log_report(await download_chunk(resources, chunk, last_try=last_try))
    if not last_try:
        report.require_finished()
    return report
