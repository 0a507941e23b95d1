"""The quick lane under a real Prefect server: what comes in together is one run, and it is a run like any other."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from sqlalchemy import update

from blocks.preset import SaisPreset
from deployments.environment import PROJECT
from deployments.quick_runner import QuickRunner, prefect_settings
from flows.ingest import ingest
from flows.kept_resources import KeptResources
from flows.quick import quick
from flows.resume_stalled import resume_stalled
from sais.accounts import set_up_account
from sais.catalog.accounts import get_account
from sais.catalog.batches import get_batch
from sais.catalog.bulk import table_of
from sais.catalog.database import open_database
from sais.catalog.media import find_thumbs
from sais.catalog.threaded import ThreadedDatabase
from sais.dispatch import Submitted
from sais.reading import batch_status
from sais.runs import QUICK_DEPLOYMENT, Deployment, PrefectApi, quick_request
from sais.settings import Settings
from sais.submission import submit
from sais_models import Batch, Lane
from sais_models.columns import utc_now
from sais_models.wire import AccountSetup
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content
from tests.support.waiting import WAIT_SECONDS

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
def museum(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Museum:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    museum = Museum(settings)
    museum.callback = origin.url("/hook")
    return museum


@pytest.fixture(autouse=True)
async def deployments(prefect_server: None) -> None:
    """As prefect.yaml has them, on a pool without a worker."""
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="nobody", type="process"), overwrite=True)
    for flow, name in ((quick, "quick"), (ingest, "ingest")):
        loaded = await flow.from_source(source=str(PROJECT), entrypoint=f"flows/{name}.py:{name}")  # type: ignore[misc]
        await loaded.deploy(name, work_pool_name="nobody", print_next_steps=False)


@pytest.fixture
async def database(museum: Museum) -> AsyncIterator[ThreadedDatabase]:
    async with museum.run():
        engine = open_database(museum.configuration.database_url)
    yield ThreadedDatabase(engine)
    engine.dispose()


@pytest.fixture
async def prefect_api() -> AsyncIterator[PrefectApi]:
    async with PrefectApi(prefect_settings()) as api:
        yield api


@pytest.fixture
async def kept() -> AsyncIterator[KeptResources]:
    kept = KeptResources(fresh_seconds=0.0)
    yield kept
    await kept.close()


@pytest.fixture
def runner(database: ThreadedDatabase, prefect_api: PrefectApi, kept: KeptResources) -> QuickRunner:
    return QuickRunner(database, prefect_api, kept)


@asynccontextmanager
async def working(*runners: QuickRunner) -> AsyncIterator[None]:
    """Runners at work; at the end they finish what they have begun."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(runner.work_until(stop)) for runner in runners]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def send(database: ThreadedDatabase, museum: Museum, urls: Sequence[str], root: str = "museum") -> int:
    """What the gateway does with a request of a few images; the batch's id."""

    async with museum.run() as resources:
        account = await database.read(get_account, root)
        images = [Submitted(url) for url in urls]
        submission = await database.write(
            submit, account, images, guard=resources.guard, presets=["small"], lane=Lane.QUICK
        )
    return submission.batch.id or 0


async def posts(origin: Origin, count: int) -> list[dict[str, object]]:
    """The bodies of the webhooks, when there are so many."""
    return [json.loads(post.body) for post in await asyncio.to_thread(origin.wait_for_posts, count)]


async def runs_of(database: ThreadedDatabase, *batches: int) -> dict[int, FlowRun]:
    async with get_client() as client:
        rows = [await database.read(get_batch, batch) for batch in batches]
        return {row.id or 0: await client.read_flow_run(UUID(row.flow_run_id)) for row in rows}


async def test_a_request_becomes_a_run_of_its_deployment_and_a_webhook(
    database: ThreadedDatabase, museum: Museum, origin: Origin, runner: QuickRunner
) -> None:
    async with working(runner):
        batch = await send(database, museum, [origin.serve("/one.jpg", Content(JPEG))])
        [body] = await posts(origin, 1)
    assert (body["marking"], list(body["thumbData"])) == ("resized", ["small"])  # type: ignore[call-overload]
    run = (await runs_of(database, batch))[batch]
    assert run.name == f"quick-museum-b{batch}"
    assert {"account:museum", "lane:quick"} <= set(run.tags)
    assert run.state is not None
    assert run.state.is_completed()
    async with get_client() as client:
        assert run.deployment_id == (await client.read_deployment_by_name(QUICK_DEPLOYMENT)).id
    assert (await database.read(get_batch, batch)).settled_at is not None


async def test_requests_that_come_together_are_one_run_for_an_account(
    database: ThreadedDatabase, museum: Museum, origin: Origin, runner: QuickRunner
) -> None:
    batches = [await send(database, museum, [origin.serve(f"/{n}.jpg", Content(JPEG))]) for n in range(3)]
    async with working(runner):
        await posts(origin, 3)
    runs = await runs_of(database, *batches)
    assert {run.id for run in runs.values()} == {runs[batches[0]].id}
    assert runs[batches[0]].name == f"quick-museum-b{batches[0]}-b{batches[2]}"
    assert runs[batches[0]].parameters == {"account": "museum", "batches": batches}


async def test_two_accounts_are_two_runs(
    database: ThreadedDatabase, museum: Museum, origin: Origin, runner: QuickRunner
) -> None:
    async with museum.run() as resources:
        setup = AccountSetup(root="library", media_callback_url=museum.callback)
        await database.write(set_up_account, setup, guard=resources.guard, key=None)
    url = origin.serve("/one.jpg", Content(JPEG))
    batches = [await send(database, museum, [url], root) for root in ("museum", "library")]
    async with working(runner):
        await posts(origin, 2)
    runs = await runs_of(database, *batches)
    assert [run.name for run in runs.values()] == [
        f"quick-{root}-b{b}" for root, b in zip(("museum", "library"), batches, strict=True)
    ]


async def test_an_image_that_fails_tells_its_reason_and_stops_no_other(
    database: ThreadedDatabase, museum: Museum, origin: Origin, runner: QuickRunner
) -> None:
    good = await send(database, museum, [origin.serve("/one.jpg", Content(JPEG))])
    bad = await send(database, museum, [origin.url("/missing.jpg"), origin.serve("/two.jpg", Content(JPEG))])
    async with working(runner):
        bodies = await posts(origin, 3)
    assert sorted(str(body["reason"]) for body in bodies) == ["None", "None", "http_404"]
    status = await database.read(batch_status, bad)
    assert (status.done, status.failed, status.reasons, status.settled) == (1, 1, {"http_404": 1}, True)
    assert (await database.read(batch_status, good)).done == 1
    run = (await runs_of(database, bad))[bad]
    assert run.state is not None
    assert run.state.is_completed(), "a bad image is data, not a failed run"


async def test_of_two_runners_one_gets_each_request(
    database: ThreadedDatabase, museum: Museum, origin: Origin, prefect_api: PrefectApi, kept: KeptResources
) -> None:
    batches = [await send(database, museum, [origin.serve(f"/{n}.jpg", Content(JPEG))]) for n in range(4)]
    async with working(*(QuickRunner(database, prefect_api, kept) for _ in range(2))):
        await posts(origin, 4)
    assert len(origin.posts) == 4
    assert {origin.hits[f"/{n}.jpg"] for n in range(4)} == {1}
    runs = await runs_of(database, *batches)
    for run in runs.values():
        assert set(run.parameters["batches"]) == {b for b in batches if runs[b].id == run.id}


async def test_a_preset_edited_in_a_block_is_used_by_the_next_run_of_the_same_process(
    database: ThreadedDatabase, museum: Museum, origin: Origin, runner: QuickRunner
) -> None:
    first, second = (origin.serve(f"/{n}.jpg", Content(JPEG)) for n in "ab")
    async with working(runner):
        await send(database, museum, [first])
        await posts(origin, 1)
        await SaisPreset(width=192, height=192, quality=5).asave("small", overwrite=True)
        try:
            await send(database, museum, [second])
            bodies = await posts(origin, 2)
        finally:
            await SaisPreset(width=192, height=192).asave("small", overwrite=True)
    thumbs = await database.read(find_thumbs, [str(body["code"]) for body in bodies])
    sizes = [thumbs[str(body["code"])][0].size or 0 for body in bodies]
    assert sizes[1] < sizes[0]


async def test_the_process_works_and_ends_when_it_is_told_to(
    database: ThreadedDatabase, museum: Museum, origin: Origin
) -> None:
    batch = await send(database, museum, [origin.serve("/one.jpg", Content(JPEG))])
    url = str(prefect_settings().api_url)
    process = subprocess.Popen(  # noqa: ASYNC220  it starts in a millisecond
        [sys.executable, "-m", "deployments.quick_runner"],
        cwd=PROJECT,
        env={**os.environ, "PREFECT_API_URL": url},
        stderr=subprocess.PIPE,
    )
    try:
        await posts(origin, 1)
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.to_thread(process.communicate, timeout=WAIT_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert b"Traceback" not in errors
    assert (await database.read(batch_status, batch)).settled


async def test_without_its_deployment_a_request_waits_for_others_to_take_it(
    database: ThreadedDatabase, museum: Museum, origin: Origin, runner: QuickRunner
) -> None:
    async with get_client() as client:
        await client.delete_deployment((await client.read_deployment_by_name(QUICK_DEPLOYMENT)).id)
    batch = await send(database, museum, [origin.serve("/one.jpg", Content(JPEG))])
    await runner.take_up()
    async with working(runner):
        pass
    assert (await database.read(get_batch, batch)).flow_run_id is None


async def test_what_a_killed_runner_left_is_taken_up_by_the_sweep(
    database: ThreadedDatabase,
    museum: Museum,
    origin: Origin,
    prefect_api: PrefectApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it stands when the lease of a killed process has run out: Prefect still says Running."""
    monkeypatch.setenv("SAIS_GRACE_SECONDS", "0")
    batch = await send(database, museum, [origin.serve("/one.jpg", Content(JPEG))])
    earlier = utc_now() - timedelta(hours=1)
    request = quick_request("museum", [batch], f"killed-{museum.settings.home}")
    request["state"] = {"type": "RUNNING"}
    run = (await Deployment(prefect_api, QUICK_DEPLOYMENT).create_run(request))["id"]
    await database.write(
        lambda connection: connection.execute(update(table_of(Batch)).values(created_at=earlier, flow_run_id=run))
    )
    assert await resume_stalled() == 1
    async with get_client() as client:
        left = await client.read_flow_run(UUID(run))
        resumed = [r for r in await client.read_flow_runs() if str(r.idempotency_key).endswith(f"-after-{run}")]
        for left_for_a_worker in resumed:
            await client.delete_flow_run(left_for_a_worker.id)
    assert left.state is not None
    assert left.state.is_crashed()
    assert [r.name for r in resumed] == [f"ingest-museum-b{batch}"]
