"""What a dead run left is taken up, by what the database and Prefect know of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled, Cancelling, Completed, Crashed, Failed, Paused, Pending, Running
from sqlalchemy import Connection, update

from deployments.environment import PROJECT
from flows.ingest import ingest
from flows.resume_stalled import resume_stalled
from sais.catalog.accounts import get_account
from sais.catalog.batches import get_batch
from sais.catalog.bulk import table_of, update_rows
from sais.catalog.media import claim_media
from sais.dispatch import Submitted
from sais.fetching import Guard
from sais.pipeline.plan import Order, plan_batch
from sais.reading import batch_status
from sais.settings import Settings
from sais.submission import Submission, submit
from sais_models import Batch, Media, MediaMarking
from sais_models.columns import utc_now
from sais_models.wire import BatchStatus
from tests.support.batches import Museum
from tests.support.origin import Origin

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

AN_HOUR_AGO = utc_now() - timedelta(hours=1)
URL = "http://127.0.0.1:9/a.jpg"


@pytest.fixture
def museum(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Museum:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    return Museum(settings)


@pytest.fixture(autouse=True)
async def deployment(prefect_server: None) -> AsyncIterator[UUID]:
    """`ingest` as prefect.yaml has it, on a pool without a worker."""
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="nobody", type="process"), overwrite=True)
    flow = await ingest.from_source(source=str(PROJECT), entrypoint="flows/ingest.py:ingest")  # type: ignore[misc]
    yield await flow.deploy("ingest", work_pool_name="nobody", print_next_steps=False)


async def accepted(museum: Museum, **changes: object) -> Batch:
    """A batch as the gateway has committed it, with what `changes` says of its row."""
    async with museum.run() as resources:
        batch = (await resources.write(_accept, museum.settings.allow_hosts)).batch
        if changes:
            await resources.write(update_rows, Batch, [{"id": batch.id, **changes}])
        return await resources.read(get_batch, batch.id or 0)


def _accept(connection: Connection, hosts: tuple[str, ...]) -> Submission:
    return submit(connection, get_account(connection, "museum"), [Submitted(URL)], guard=Guard(hosts))


async def run_in(deployment: UUID, *states: State) -> str:
    """A run at Prefect that has come to the last of `states`."""
    async with get_client() as client:
        run = await client.create_flow_run_from_deployment(deployment, parameters={"account": "museum", "batch": 1})
        for state in states:
            await client.set_flow_run_state(run.id, state, force=True)
        return str(run.id)


async def run_of(museum: Museum, batch: Batch) -> FlowRun:
    async with museum.run() as resources, get_client() as client:
        row = await resources.read(get_batch, batch.id or 0)
        return await client.read_flow_run(UUID(row.flow_run_id))


async def status_of(museum: Museum, batch: Batch) -> BatchStatus:
    async with museum.run() as resources:
        return await resources.read(batch_status, batch.id or 0)


async def test_a_batch_without_a_run_gets_one_and_only_one(museum: Museum) -> None:
    batch = await accepted(museum)
    assert await resume_stalled() == 0, "its run may be on the way"
    async with museum.run() as resources:
        await resources.write(update_rows, Batch, [{"id": batch.id, "created_at": AN_HOUR_AGO}])
    assert await resume_stalled() == 1
    run = await run_of(museum, batch)
    assert (run.name, run.parameters) == (f"ingest-museum-b{batch.id}", {"account": "museum", "batch": batch.id})
    assert await resume_stalled() == 0, "that run waits for a worker"


@pytest.mark.parametrize(
    ("state", "grace", "resumed"),
    [
        (Completed(), 60, 1),
        (Failed(), 60, 1),
        (Crashed(), 60, 1),
        (Cancelled(message="Deployment 1 no longer exists, cancelled run."), 60, 1),
        (Pending(), 0, 1),
        (Pending(), 60, 0),
        (Running(), 0, 1),
        (Running(), 60, 0),
        (Paused(), 0, 0),
    ],
    ids=lambda value: value.name if isinstance(value, State) else str(value),
)
async def test_a_run_that_is_dead_is_followed_by_another(
    museum: Museum, deployment: UUID, monkeypatch: pytest.MonkeyPatch, state: State, grace: int, resumed: int
) -> None:
    monkeypatch.setenv("SAIS_GRACE_SECONDS", str(grace))
    former = await run_in(deployment, state)
    batch = await accepted(museum, flow_run_id=former)
    assert await resume_stalled() == resumed
    run = await run_of(museum, batch)
    assert (str(run.id) != former) == bool(resumed)
    async with get_client() as client:
        left = (await client.read_flow_run(UUID(former))).state
    assert left is not None
    assert left.is_final() == bool(resumed), "Prefect no longer takes it to be alive"


async def test_a_run_that_says_that_it_works_is_left_alone(
    museum: Museum, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAIS_GRACE_SECONDS", "0")
    run = await run_in(deployment, Running())
    await accepted(museum, flow_run_id=run, held_until=utc_now() + timedelta(minutes=1))
    assert await resume_stalled() == 0


async def test_a_successor_that_died_before_it_began_is_followed_too(museum: Museum) -> None:
    batch = await accepted(museum, flow_run_id=str(uuid4()), created_at=AN_HOUR_AGO)
    assert await resume_stalled() == 1, "Prefect has lost its database, and knows no such run"
    first = await run_of(museum, batch)
    async with get_client() as client:
        await client.set_flow_run_state(first.id, Crashed(), force=True)
    assert await resume_stalled() == 0, "a batch that gets no further waits for some seconds"
    async with museum.run() as resources:
        row = await resources.read(get_batch, batch.id or 0)
        await resources.write(update_rows, Batch, [{"id": batch.id, "resumes": 0}])
    assert row.resumes == 1
    assert await resume_stalled() == 1
    assert (await run_of(museum, batch)).id != first.id


@pytest.mark.parametrize("state", [Cancelled(), Cancelling()], ids=["Cancelled", "Cancelling"])
async def test_a_run_that_was_cancelled_in_prefect_cancels_its_batch(
    museum: Museum, deployment: UUID, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    monkeypatch.setenv("SAIS_GRACE_SECONDS", "0")
    run = await run_in(deployment, state)
    batch = await accepted(museum, flow_run_id=run)
    assert await resume_stalled() == 0
    status = await status_of(museum, batch)
    assert (status.marking, status.pending, status.cancelled) == ("cancelled", 0, 1)
    left = (await run_of(museum, batch)).state
    assert left is not None
    assert left.is_cancelled()


async def test_what_has_ended_already_is_settled_without_a_run(museum: Museum, deployment: UUID) -> None:
    """The media failed in the moment in which the batch came: no step would ever look at it."""
    batch = await accepted(museum, flow_run_id=await run_in(deployment, Completed()))
    async with museum.run() as resources:
        await resources.write(_fail)
    assert await resume_stalled() == 0
    status = await status_of(museum, batch)
    assert (status.marking, status.failed, status.reasons) == ("settled", 1, {"http_404": 1})


def _fail(connection: Connection) -> None:
    connection.execute(update(table_of(Media)).values(marking=MediaMarking.FAILED, reason="http_404"))


async def test_what_another_batchs_run_holds_waits_for_it_and_not_longer(museum: Museum, deployment: UUID) -> None:
    batch = await accepted(museum, flow_run_id=await run_in(deployment, Completed()))
    async with museum.run() as other:
        (chunk,) = (await plan_batch(other, Order("museum", urls=[URL]))).chunks
        [media] = await other.write(claim_media, chunk, other.lease(), [MediaMarking.NEW])
        assert await resume_stalled() == 0
        ran_out = {"code": media.code, "leased_until": AN_HOUR_AGO}
        await other.write(update_rows, Media, [ran_out])
        assert await resume_stalled() == 1
    assert (await run_of(museum, batch)).name == f"ingest-museum-b{batch.id}"
