"""A cancelled batch ends its run soon, and a run that is cancelled in Prefect cancels its batch."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import CancelledRun
from prefect.states import Cancelling
from sqlalchemy import select

from deployments.environment import PROJECT
from deployments.quick_runner import prefect_settings
from flows.ingest import ingest
from sais.cancelling import cancel_batch
from sais.catalog.batches import recent_batches
from sais.catalog.bulk import table_of
from sais.reading import batch_status
from sais.settings import Settings
from sais_models import Media
from sais_models.wire import BatchStatus
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Hang

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
def museum(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Museum:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("SAIS_CHUNK_IMAGES", "1")
    return Museum(settings)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not true():  # noqa: ASYNC110  it is a server in another thread
            await asyncio.sleep(0.05)


async def latest(museum: Museum) -> BatchStatus:
    async with museum.run() as resources:
        [batch] = await resources.read(recent_batches, 1)
        return await resources.read(batch_status, batch.id or 0)


async def leases(museum: Museum) -> list[str | None]:
    async with museum.run() as resources:
        return await resources.read(
            lambda connection: list(connection.execute(select(table_of(Media).c.leased_by)).scalars())
        )


async def test_a_cancelled_batch_ends_its_run_in_the_middle_of_an_image(museum: Museum, origin: Origin) -> None:
    done = origin.serve("/done.jpg", Content(JPEG))
    silent = [origin.serve(f"/silent{n}.jpg", Hang()) for n in range(9)]
    async with museum.run():
        running = asyncio.create_task(ingest("museum", urls=[done, *silent]))
        await until(lambda: origin.hits["/silent0.jpg"] == 1)
        batch = (await latest(museum)).id
        async with museum.run() as resources:
            await resources.write(cancel_batch, batch)
        with pytest.raises(CancelledRun, match=f"Batch {batch} was cancelled"):
            await running
    status = await latest(museum)
    assert (status.marking, status.pending, status.reasons) == ("cancelled", 0, {"cancelled": status.cancelled})
    assert status.done + status.cancelled == 10
    assert status.cancelled >= 9
    assert await leases(museum) == [None] * 10


@pytest.fixture
async def worker(museum: Museum) -> AsyncIterator[UUID]:
    """A worker, and the deployment of `ingest` on its pool, with what prefect.yaml says of both."""
    pool = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["definitions"]["pool"]["job_variables"]
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="one", type="process"), overwrite=True)
    flow = await ingest.from_source(source=str(PROJECT), entrypoint="flows/ingest.py:ingest")  # type: ignore[misc]
    variables = {**pool, "working_dir": str(PROJECT)}
    deployment = await flow.deploy("ingest", work_pool_name="one", job_variables=variables, print_next_steps=False)
    environment = {
        **os.environ,
        "PREFECT_API_URL": str(prefect_settings().api_url),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "one", "--type", "process"]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True)  # noqa: ASYNC220
    try:
        yield deployment
    finally:
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.to_thread(process.wait, 30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


async def started(deployment: UUID, museum: Museum, origin: Origin) -> FlowRun:
    """A run by the worker, in the middle of an image."""
    url = origin.serve("/silent.jpg", Hang())
    async with museum.run(), get_client() as client:
        run = await client.create_flow_run_from_deployment(deployment, parameters={"account": "museum", "urls": [url]})
    await until(lambda: origin.hits["/silent.jpg"] == 1)
    return run


async def ended(run: FlowRun) -> FlowRun:
    async with get_client() as client, asyncio.timeout(120):
        while not ((now := await client.read_flow_run(run.id)).state and now.state.is_final()):  # noqa: ASYNC110  Prefect's server
            await asyncio.sleep(0.2)
    return now


async def test_a_run_cancelled_in_prefect_cancels_its_batch(worker: UUID, museum: Museum, origin: Origin) -> None:
    run = await started(worker, museum, origin)
    async with get_client() as client:
        await client.set_flow_run_state(run.id, Cancelling())
    assert (await ended(run)).state_name == "Cancelled"
    status = await latest(museum)
    assert (status.marking, status.cancelled) == ("cancelled", 1)
    assert await leases(museum) == [None]


async def test_a_run_whose_process_is_killed_cancels_nothing(worker: UUID, museum: Museum, origin: Origin) -> None:
    run = await started(worker, museum, origin)
    async with get_client() as client:
        pid = str((await client.read_flow_run(run.id)).infrastructure_pid).rpartition(":")[2]
    os.kill(int(pid), signal.SIGKILL)
    assert (await ended(run)).state_name == "Crashed"
    assert ((await latest(museum)).marking, (await latest(museum)).pending) == ("open", 1)
