"""What a dead run left is taken up again, and what failed for a reason that may have passed is tried again."""

from prefect import flow
from prefect.runtime import flow_run

from blocks.configuration import load_configuration
from flows.policy import PLAIN
from sais.pipeline.resources import open_resources
from tasks.resume import find_stalled, resume
from tasks.retry import send_due_again


@flow(name="resume-stalled", flow_run_name="resume-stalled", **PLAIN)
async def resume_stalled() -> int:
    """Starts `ingest` for batches that have work left and no run: after a crash, when none was ever started, or because
    failed images are due again. Returns for how many; of an account no more than it may have at once."""
    configuration = await load_configuration()
    async with open_resources(configuration, run=str(flow_run.id)) as resources:
        waiting = [*await find_stalled(resources), *await send_due_again(resources)]
        return sum([await resume(batch, resources) for batch in waiting])
