"""Finds batches that nobody works on, and starts ingest for them again."""

from uuid import UUID

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Crashed

from sais.catalog.stalled import stalled_batches
from sais.catalog.turns import stop_waiting
from sais.pipeline.resources import Resources
from sais.runs import UNWATCHED_TAG
from sais_models import Batch
from tasks.policy import RETRIED


@task(name="find-stalled", task_run_name="find-stalled", **RETRIED)
async def find_stalled(resources: Resources) -> list[Batch]:
    stalled = await resources.read(stalled_batches)
    found = [batch for batch in stalled if not await _has_a_run(batch)]
    for batch in found:
        if batch.waiting_since is not None:
            await resources.write(stop_waiting, batch.id or 0)
    return found


async def _has_a_run(batch: Batch) -> bool:
    if batch.flow_run_id is None:
        return False
    async with get_client() as client:
        try:
            run = await client.read_flow_run(UUID(batch.flow_run_id))
        except (ObjectNotFound, ValueError):
            return False
        if run.state is None or run.state.is_final():
            return False
        return not await _is_left_behind(client, run)


async def _is_left_behind(client: PrefectClient, run: FlowRun) -> bool:
    """A quick run whose process was killed: no worker watches it, so Prefect takes it to be running for ever.

    Alive, it would hold a lease on what it works on from its first tenth of a second; then its batch is not stalled
    and nobody asks. Were it taken for dead in that moment, the leases still keep two runs off the same image.
    """
    if UNWATCHED_TAG not in run.tags:
        return False
    await client.set_flow_run_state(run.id, Crashed(message="The quick runner ended without it."), force=True)
    return True


@task(name="resume", task_run_name="resume-{batch.root}-b{batch.id}", **RETRIED)
async def resume(batch: Batch) -> None:
    run = await start_again(batch)
    get_run_logger().info("batch %s of %s goes on as flow run %s", batch.id, batch.root, run.id)


async def start_again(batch: Batch) -> FlowRun:
    """The key names the run that left the batch, so that two who start one start the same; and the batch's birth, for
    ids start again with a new database."""
    return await arun_deployment(
        "ingest/ingest",
        parameters={"account": batch.root, "batch": batch.id},
        flow_run_name=f"ingest-{batch.root}-b{batch.id}",
        tags=[f"account:{batch.root}", f"lane:{batch.lane}"],
        idempotency_key=f"batch-{batch.id}-{batch.created_at:%Y%m%d%H%M%S%f}-after-{batch.flow_run_id}",
        timeout=0,
        as_subflow=False,
    )
