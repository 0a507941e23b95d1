"""The two flows that run each minute: webhooks that were not taken, and batches that nobody works on."""

from datetime import timedelta

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from sqlalchemy import Connection, update

from deployments.environment import PROJECT
from flows.deliver_webhooks import deliver_webhooks
from flows.ingest import ingest
from flows.resume_stalled import resume_stalled
from sais.catalog.bulk import table_of
from sais.catalog.media import claim_media
from sais.pipeline.plan import Order, plan_batch
from sais.settings import Settings
from sais_models import Batch, Delivery, MediaMarking
from sais_models.columns import utc_now
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Status

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
def museum(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Museum:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    museum = Museum(settings)
    museum.callback = origin.url("/hook")
    return museum


def an_hour_later(connection: Connection) -> None:
    earlier = utc_now() - timedelta(hours=1)
    connection.execute(update(table_of(Delivery)).values(due_at=earlier))
    connection.execute(update(table_of(Batch)).values(created_at=earlier))


async def test_webhooks_that_were_not_taken_are_sent_again(museum: Museum, origin: Origin) -> None:
    origin.serve("/hook", Status(503), Status(200))
    await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    assert await deliver_webhooks() == {"pending": 0, "delivered": 0, "dead": 0}, "not due yet"
    async with museum.run() as resources:
        await resources.write(an_hour_later)
    assert await deliver_webhooks() == {"pending": 0, "delivered": 1, "dead": 0}
    assert len({post.headers["webhook-id"] for post in origin.wait_for_posts(2)}) == 1


@pytest.fixture
async def ingest_deployment(prefect_server: None) -> None:
    """As prefect.yaml has it, on a pool without a worker."""
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="nobody", type="process"), overwrite=True)
    flow = await ingest.from_source(source=str(PROJECT), entrypoint="flows/ingest.py:ingest")  # type: ignore[misc]
    await flow.deploy("ingest", work_pool_name="nobody", print_next_steps=False)


@pytest.mark.usefixtures("ingest_deployment")
async def test_a_batch_without_a_run_gets_one_and_only_one(museum: Museum) -> None:
    async with museum.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=["http://127.0.0.1:9/a.jpg"]))
    assert await resume_stalled() == 0, "a batch that has just come has its run on the way"
    async with museum.run() as resources:
        await resources.write(an_hour_later)
    assert await resume_stalled() == 1
    assert await resume_stalled() == 1, "the run that was started is asked for again by the same key"
    async with get_client() as client:
        runs = [run for run in await client.read_flow_runs() if run.parameters.get("batch") == plan.batch.id]
        mine = [run for run in runs if run.name == f"ingest-museum-b{plan.batch.id}" and run.state_name == "Scheduled"]
    assert len(mine) == 1


@pytest.mark.usefixtures("ingest_deployment")
async def test_a_batch_that_a_run_works_on_is_left_to_it(museum: Museum) -> None:
    async with museum.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=["http://127.0.0.1:9/a.jpg"]))
        await resources.write(an_hour_later)
        await resources.write(claim_media, plan.chunks[0], resources.lease(), [MediaMarking.NEW])
        assert await resume_stalled() == 0
