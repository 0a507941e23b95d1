"""Runs that give way, and pass the turn on, under a real Prefect server."""

from datetime import timedelta
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled

from deployments.environment import PROJECT
from flows.ingest import ingest
from sais.catalog.batches import get_batch
from sais.catalog.turns import Share, ask_for_turn
from sais.errors import InputError
from sais.pipeline.plan import Order, plan_batch
from sais.reading import batch_status
from sais.settings import Settings
from sais_models import Batch
from sais_models.columns import utc_now
from sais_models.wire import BatchStatus
from tasks.turns import LATE_SECONDS, runs_wait
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
def museum(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Museum:
    """One run of an account at once, one image a chunk, one chunk at once; and no patience."""
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("SAIS_CHUNK_IMAGES", "1")
    monkeypatch.setenv("SAIS_CHUNKS_IN_FLIGHT", "1")
    monkeypatch.setenv("SAIS_ACCOUNT_RUNS", "1")
    monkeypatch.setenv("SAIS_TURN_SECONDS", "0.001")
    return Museum(settings)


@pytest.fixture
async def deployment(prefect_server: None) -> UUID:
    """As prefect.yaml has it, on a pool without a worker."""
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="nobody", type="process"), overwrite=True)
    flow = await ingest.from_source(source=str(PROJECT), entrypoint="flows/ingest.py:ingest")  # type: ignore[misc]
    return UUID(str(await flow.deploy("ingest", work_pool_name="nobody", print_next_steps=False)))


async def batch_of(museum: Museum, *urls: str) -> Batch:
    async with museum.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=list(urls)))
        await resources.write(ask_for_turn, plan.batch, Share(1))
        return await resources.read(get_batch, plan.batch.id or 0)


async def sums(museum: Museum, batch: Batch) -> BatchStatus:
    async with museum.run() as resources:
        return await resources.read(batch_status, batch.id or 0)


async def scheduled(batch: Batch) -> list[FlowRun]:
    """Runs that were started for it and wait for a worker."""
    async with get_client() as client:
        runs = await client.read_flow_runs()
    mine = [run for run in runs if run.name == f"ingest-museum-b{batch.id}" and run.state_name == "Scheduled"]
    # Another test's batch, in another database, may have the same id.
    return [run for run in mine if run.created is not None and run.created >= batch.created_at]


async def test_a_long_batch_gives_way_to_one_that_waits_and_goes_on_after_it(
    museum: Museum, deployment: UUID, origin: Origin
) -> None:
    urls = [origin.serve(f"/turn-{n}.jpg", Content(JPEG)) for n in range(4)]
    long, short = await batch_of(museum, *urls[:3]), await batch_of(museum, urls[3])
    assert (long.waiting_since is None, short.waiting_since is None) == (True, False)

    first: BatchStatus = await ingest("museum", batch=long.id)
    assert (first.done, first.pending, first.settled) == (1, 2, False)
    [turn] = await scheduled(short)
    async with museum.run() as resources:
        assert (await resources.read(get_batch, short.id or 0)).flow_run_id == str(turn.id)
        assert (await resources.read(get_batch, long.id or 0)).waiting_since is not None

    second: BatchStatus = await ingest("museum", batch=short.id)
    assert second.settled
    assert len(await scheduled(long)) == 1

    third: BatchStatus = await ingest("museum", batch=long.id)
    assert (third.done, third.settled) == (3, True), "nobody waits any more"
    assert {origin.hits[f"/turn-{n}.jpg"] for n in range(4)} == {1}


async def test_a_run_that_fails_passes_the_turn_on_too(museum: Museum, deployment: UUID) -> None:
    await batch_of(museum, "http://127.0.0.1:9/a.jpg")
    waiting = await batch_of(museum, "http://127.0.0.1:9/b.jpg")
    with pytest.raises(InputError, match="not both"):
        await ingest("museum", urls=["http://127.0.0.1:9/c.jpg"], batch=1)
    assert len(await scheduled(waiting)) == 1


async def test_who_waits_is_a_run_that_no_worker_has_taken_for_long(
    deployment: UUID, museum: Museum, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not await runs_wait(), "without a deployment there is no worker to wait for"
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", str(deployment))
    async with get_client() as client:
        for run in await client.read_flow_runs():
            if run.deployment_id == deployment:
                await client.delete_flow_run(run.id)
        now = utc_now()
        await start(deployment, Scheduled(scheduled_time=now + timedelta(hours=1)))
        await start(deployment, Scheduled(scheduled_time=now))
        assert not await runs_wait(), "one is for later, the other has just come"
        await start(deployment, Scheduled(scheduled_time=now - timedelta(seconds=LATE_SECONDS + 1)))
        assert await runs_wait()


async def start(deployment: UUID, state: object) -> FlowRun:
    async with get_client() as client:
        return await client.create_flow_run_from_deployment(
            deployment,
            parameters={"account": "museum", "batch": 1},
            state=state,  # type: ignore[arg-type]
        )
