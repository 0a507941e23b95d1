"""Each automation fires on a real Prefect server, with short thresholds; applied twice, each is there once."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from math import inf
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.events import emit_event
from prefect.states import Failed, Late, Running
from sqlalchemy import Connection, update

from deployments.automations import Thresholds, apply_automations, automations
from deployments.bootstrap import make_ready
from deployments.environment import PROJECT
from flows.alert import alert
from flows.deliver_webhooks import deliver_webhooks
from flows.ingest import ingest
from sais.catalog.bulk import table_of
from sais.settings import Settings
from sais.webhooks.attempts import PAUSED_AFTER
from sais_models import Delivery, Receiver
from sais_models.columns import utc_now
from sais_models.receiver import DEAD_AFTER
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.prefect_server import running_prefect, speaking_to
from tests.support.replies import Status
from tests.support.waiting import eventually

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("prefect")]

# A proactive trigger takes no less than 10 s.
SHORT = Thresholds(silence=timedelta(seconds=10), failures=2, late=timedelta(seconds=10))
# Longer than the silence and the server's second look.
BEAT_SECONDS = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prefect")
    with (
        running_prefect(folder, PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY="PT1S") as api,
        speaking_to(api, folder),
    ):
        asyncio.run(_deploy())
        yield api


async def _deploy() -> None:
    """As prefect.yaml has it, on a pool without a worker; automations with the thresholds of the test."""
    await make_ready()
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="nobody", type="process"), overwrite=True)
        for name, flow in (("alert", alert), ("ingest", ingest)):
            loaded: Any = await flow.from_source(source=str(PROJECT), entrypoint=f"flows/{name}.py:{name}")  # type: ignore[misc]
            await loaded.deploy(name, work_pool_name="nobody", print_next_steps=False)
        await apply_automations(client, SHORT)


async def alerts(client: PrefectClient, subject: str) -> list[FlowRun]:
    return [run for run in await client.read_flow_runs() if run.parameters.get("subject") == subject]


async def new_run(client: PrefectClient, *states: State[Any]) -> UUID:
    deployment = await client.read_deployment_by_name("ingest/ingest")
    parameters = {"account": "museum", "batch": 1}
    run = await client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
    for state in states:
        await client.set_flow_run_state(run.id, state, force=True)
    return run.id


async def test_a_run_whose_heart_stopped_is_crashed(server: str) -> None:
    async with get_client() as client:
        run = await new_run(client, Running())
        last_beat = -inf

        async def is_crashed() -> bool:
            nonlocal last_beat
            state = (await client.read_flow_run(run)).state
            if monotonic() - last_beat >= BEAT_SECONDS:  # the first may come before the server knows its automation
                emit_event("prefect.flow-run.heartbeat", resource={"prefect.resource.id": f"prefect.flow-run.{run}"})
                last_beat = monotonic()
            return state is not None and state.is_crashed()

        await eventually(is_crashed, "the run to be crashed")


async def test_many_failures_are_told(server: str) -> None:
    async with get_client() as client:
        for _ in range(SHORT.failures):
            await new_run(client, Running(), Failed())

        async def is_told() -> bool:
            return bool(await alerts(client, "ingest-fails"))

        await eventually(is_told, "an alert")


async def test_a_run_that_waits_too_long_is_told(server: str) -> None:
    async with get_client() as client:
        await new_run(client, Late())

        async def is_told() -> bool:
            return bool(await alerts(client, "run-waits"))

        await eventually(is_told, "an alert")


@pytest.fixture
def broken() -> Iterator[Origin]:
    with Origin() as origin:
        origin.serve("/hook", Status(503))
        yield origin


@pytest.fixture
def museum(settings: Settings, broken: Origin, monkeypatch: pytest.MonkeyPatch) -> Museum:
    """Its receiver answers 503."""
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    museum = Museum(settings)
    museum.callback = broken.url("/hook")
    return museum


def pause_ends(connection: Connection) -> None:
    """And everything is due."""
    connection.execute(update(table_of(Receiver)).values(paused_until=utc_now()))
    connection.execute(update(table_of(Delivery)).values(due_at=utc_now()))


async def test_a_dead_receiver_is_told_with_its_name_and_reason(server: str, museum: Museum, broken: Origin) -> None:
    urls = [broken.url(f"/missing-{number}.jpg") for number in range(PAUSED_AFTER)]
    await museum.ingest_urls(*urls)
    for _ in range(DEAD_AFTER):
        await deliver_webhooks()
        async with museum.run() as resources:
            await resources.write(pause_ends)
    await deliver_webhooks()
    async with get_client() as client:

        async def is_told() -> bool:
            return bool(await alerts(client, "receiver-dead"))

        await eventually(is_told, "an alert")
        (run,) = await alerts(client, "receiver-dead")
    assert run.parameters["message"] == f"{broken.url('')} of museum takes no webhooks: http_503"


async def test_applied_again_each_is_there_once_and_what_changed_is_updated(server: str) -> None:
    async with get_client() as client:
        (before, *_), names = await ours(client), [one.name for one in await ours(client)]
        assert len(names) == len(set(names)) == len(automations(before.id, SHORT))
        await client.pause_automation(before.id)
        await client.create_automation(automations(before.id, SHORT)[0])
        await apply_automations(client, SHORT)
        again = await ours(client)
        assert sorted(one.name for one in again) == sorted(names), "the double is gone"
        changed = Thresholds(silence=timedelta(seconds=33), failures=7)
        await apply_automations(client, changed)
        after = {one.name: one for one in await ours(client)}
        assert after["sais: many ingest runs fail"].trigger.threshold == 7
        assert after[before.name].id in {one.id for one in again}
        assert not after[before.name].enabled, "what an operator switched off stays off"
        await client.resume_automation(before.id)
        await apply_automations(client, SHORT)


async def ours(client: PrefectClient) -> list[Any]:
    return sorted(
        [one for one in await client.read_automations() if one.name.startswith("sais: ")], key=lambda one: one.name
    )
