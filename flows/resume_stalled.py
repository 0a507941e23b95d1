"""What a dead run left is taken up again."""

from prefect import flow
from prefect.runtime import flow_run

from blocks.configuration import load_configuration
from sais.pipeline.resources import open_resources
from tasks.resume import find_stalled, resume


@flow(name="resume-stalled", flow_run_name="resume-stalled")
async def resume_stalled() -> int:
    """Starts `ingest` for batches that have work left and no run: after a crash, or when none was ever started."""
    configuration = await load_configuration()
    async with open_resources(configuration, run=str(flow_run.id)) as resources:
        stalled = await find_stalled(resources)
        for batch in stalled:
            await resume(batch, resources)
        return len(stalled)
