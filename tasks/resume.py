"""Finds batches that nobody works on, and starts ingest for them again."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import arun_deployment
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Crashed

from sais.catalog.batches import get_batch
from sais.catalog.stalled import note_resume, stalled_batches
from sais.catalog.turns import Share, ask_for_turn
from sais.pipeline.resources import Resources
from sais.settling import cancel, settle_leftovers
from sais_models import Batch, BatchMarking
from sais_models.columns import utc_now
from tasks.fates import Fate, fate_of
from tasks.policy import RETRIED

# As many runs as Prefect tells of in one answer.
PAGE = 200
ENDED = {StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED}


@task(name="find-stalled", task_run_name="find-stalled", **RETRIED)
async def find_stalled(resources: Resources) -> list[Batch]:
    """Those that are to be resumed; what needs no run for it is settled or cancelled here."""
    found: list[Batch] = []
    grace, after = resources.settings.grace_seconds, 0
    async with get_client() as client:
        while page := await resources.read(stalled_batches, grace=grace, after=after, limit=PAGE):
            after = page[-1].id or 0
            runs = await _runs_of(client, page)
            found += [batch for batch in page if await _is_left(resources, client, batch, runs)]
    return found


async def _runs_of(client: PrefectClient, batches: Sequence[Batch]) -> dict[str, FlowRun]:
    ids = [known for batch in batches if (known := _flow_run_id(batch)) is not None]
    by_id = FlowRunFilter(id=FlowRunFilterId(any_=ids))
    runs = await client.read_flow_runs(flow_run_filter=by_id, limit=PAGE) if ids else []
    return {str(run.id): run for run in runs}


def _flow_run_id(batch: Batch) -> UUID | None:
    """Whoever takes a batch writes a name of its own on it, until there is a run."""
    try:
        return UUID(batch.flow_run_id or "")
    except ValueError:
        return None


async def _is_left(resources: Resources, client: PrefectClient, batch: Batch, runs: dict[str, FlowRun]) -> bool:
    run = runs.get(batch.flow_run_id or "")
    fate = fate_of(batch, run, utc_now(), timedelta(seconds=resources.settings.grace_seconds))
    if fate == Fate.LEAVE:
        return False
    if fate == Fate.CANCEL:
        await resources.write(cancel, batch.id or 0)
        await _end(client, run, Cancelled(message="Cancelled; its process ended without saying so."))
        return False
    await _end(client, run, Crashed(message="It ended without saying so; another run takes up its batch."))
    await resources.write(settle_leftovers, batch.id or 0, public_url=resources.settings.public_url)
    return (await resources.read(get_batch, batch.id or 0)).marking == BatchMarking.OPEN


async def _end(client: PrefectClient, run: FlowRun | None, state: State) -> None:
    """Prefect takes a run to be running for ever when its worker was killed with it."""
    if run is not None and run.state is not None and run.state.type not in ENDED:
        await client.set_flow_run_state(run.id, state, force=True)


@task(name="resume", task_run_name="resume-{batch.root}-b{batch.id}", **RETRIED)
async def resume(batch: Batch, resources: Resources) -> bool:
    """Whether a run is started for it; else it waits, for its account has as many runs as it may."""
    if not await resources.write(ask_for_turn, batch, Share.of(resources.settings)):
        get_run_logger().info("batch %s of %s waits until another run of the account ends", batch.id, batch.root)
        return False
    run = await start_again(batch)
    await resources.write(note_resume, batch, str(run.id))
    get_run_logger().info("batch %s of %s goes on as flow run %s", batch.id, batch.root, run.id)
    return True


async def start_again(batch: Batch) -> FlowRun:
    """The key names the batch by its birth, for ids start again with a new database, and the run that left it, so that
    two who start one start the same."""
    return await arun_deployment(
        "ingest/ingest",
        parameters={"account": batch.root, "batch": batch.id},
        flow_run_name=f"ingest-{batch.root}-b{batch.id}",
        tags=[f"account:{batch.root}", f"lane:{batch.lane}"],
        idempotency_key=f"batch-{batch.id}-{batch.created_at:%Y%m%d%H%M%S%f}-after-{batch.flow_run_id}",
        timeout=0,
        as_subflow=False,
    )
