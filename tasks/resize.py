"""Makes a chunk's thumbs."""

from prefect import task

from sais.pipeline.report import ChunkReport
from sais.pipeline.resize import resize_chunk
from sais.pipeline.resources import Resources
from tasks.policy import RETRIED, is_last_try
from tasks.reporting import log_report


@task(name="resize", task_run_name="resize-{archived.chunk.name}", **RETRIED)
async def resize(archived: ChunkReport, resources: Resources) -> ChunkReport:
    async with resources.gates["resize"]:
        if await resources.leaves_off():
            # Others wait: the next run of the batch makes these thumbs, from what is downloaded and archived.
            return log_report(ChunkReport("resize", archived.chunk))
        report = log_report(await resize_chunk(resources, archived.chunk))
    if not is_last_try():
        report.require_finished()
    return report
