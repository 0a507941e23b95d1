"""transfer, purge and retention as an operator starts them."""

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prefect import get_client
from prefect.artifacts import Artifact, acreate_table_artifact
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import get_current_settings
from prefect.states import Completed, Running
from sqlalchemy import Connection, update

from deployments.environment import PROJECT
from flows.purge import PurgeMode, purge
from flows.retention import retention
from flows.transfer import Direction, transfer
from sais.accounts import hash_key
from sais.catalog.accounts import find_account
from sais.catalog.bulk import table_of
from sais.catalog.database import open_database, reading
from sais.settings import Settings
from sais.transfer import Kind
from sais_models import Batch, Delivery, Media
from sais_models.columns import utc_now
from tasks.artifacts import OUR_KEYS
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content
from tests.support.rows import everything, fill, table_rows

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
def museum(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Museum:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    museum = Museum(settings)
    museum.callback = origin.url("/hook")
    return museum


async def test_an_installation_moves_to_another(
    museum: Museum, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with museum.run() as resources:
        await resources.write(fill, "museum", 6_000)
    place = str(tmp_path / "export.zip")
    assert (await transfer(Direction.EXPORT, place, dry_run=True))["media"] == 6_000
    assert list(tmp_path.glob("export*")) == []  # noqa: ASYNC240  a test
    rows = await transfer(Direction.EXPORT, place)
    assert (rows["accounts"], rows["media"], rows["thumbs"]) == (1, 6_000, 6_000)

    monkeypatch.setenv("SAIS_HOME", str(tmp_path / "new"))
    assert (await transfer(Direction.IMPORT, place, only=[Kind.ACCOUNTS], dry_run=True))["accounts"] == 1
    taken = await transfer(Direction.IMPORT, place)
    assert (taken["accounts"], taken["media"], taken["thumbs"]) == (1, 6_000, 6_000)
    former, new = (open_database(f"sqlite:///{home}/sais.db") for home in (museum.settings.home, tmp_path / "new"))
    hidden = ("key_hash", "webhook_secret", "current", "created_at")
    assert everything(new, without=hidden) == everything(former, without=hidden)
    table = await Artifact.aget("transfer")
    assert table is not None
    assert '"kind": "media", "read": 6000, "added": 6000' in str(table.data)
    with reading(new) as connection:
        account = find_account(connection, "museum")
    assert account is not None
    assert account.key_hash != hash_key("")
    for engine in (former, new):
        engine.dispose()


async def test_a_purge_is_planned_then_done(museum: Museum, origin: Origin) -> None:
    worked = await museum.ingest_urls(*(origin.serve(f"/{n}.jpg", Content(JPEG)) for n in range(3)))
    one = worked.rows[0].code or ""
    assert await purge(PurgeMode.PLAN, account="museum") == {"media": 3, "deleted": 0, "busy": 0}
    plan = await Artifact.aget("purge-plan")
    assert plan is not None
    assert '"account": "museum", "media": 3' in str(plan.data)
    assert await purge(PurgeMode.APPLY, media=[one, "0123456789abcdef"]) == {"media": 1, "deleted": 1, "busy": 0}
    assert len(list((museum.settings.home / "archive").rglob("*.jpg"))) == 2
    assert await purge(PurgeMode.APPLY, account="museum") == {"media": 2, "deleted": 2, "busy": 0}
    assert list((museum.settings.home / "archive").rglob("*.jpg")) == []
    with pytest.raises(Exception, match="give an account, or codes of media"):
        await purge(PurgeMode.PLAN)


@pytest.fixture
async def old_run() -> tuple[FlowRun, FlowRun, FlowRun]:
    """Of our deployment: one that ended long ago, one that still runs; and a stranger's that ended long ago."""
    async with get_client() as client:
        flow = await retention.from_source(source=str(PROJECT), entrypoint="flows/retention.py:retention")  # type: ignore[misc]
        await client.create_work_pool(WorkPoolCreate(name="nobody", type="process"), overwrite=True)
        ours = await flow.deploy("retention", work_pool_name="nobody", tags=["sais"], print_next_steps=False)
        other = await flow.deploy("strangers", work_pool_name="nobody", print_next_steps=False)
        ended = await _run(client, ours, ended=True)
        running = await _run(client, ours, ended=False)
        strangers = await _run(client, other, ended=True)
    return ended, running, strangers


async def _run(client: PrefectClient, deployment: object, *, ended: bool) -> FlowRun:
    run = await client.create_flow_run_from_deployment(deployment, idempotency_key=uuid4().hex)  # type: ignore[arg-type]
    await client.set_flow_run_state(run.id, Running(), force=True)
    if ended:
        await client.set_flow_run_state(run.id, Completed(), force=True)
    return run


async def test_what_has_served_its_time_goes(
    museum: Museum,
    origin: Origin,
    old_run: tuple[FlowRun, FlowRun, FlowRun],
) -> None:
    await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    await acreate_table_artifact([{"a": 1}], key="progress-b987654321")
    await acreate_table_artifact([{"a": 1}], key="strangers")
    async with museum.run() as resources:
        await resources.write(long_ago)
    assert (await retention(dry_run=True))["deliveries"] == 1
    tally = await retention()
    assert (tally["deliveries"], tally["batches"], tally["items"], tally["runs"]) == (1, 1, 1, 0), (
        "30 days are not over"
    )
    ended, running, strangers = old_run
    years_pass_in_prefect("progress-b987654321", "strangers")
    assert (await retention(dry_run=True))["runs"] == 1
    tally = await retention()
    assert (tally["runs"], tally["artifacts"]) == (1, 1)
    async with get_client() as client:
        left = {run.id for run in await client.read_flow_runs()}
        keys = {artifact.key for artifact in await client.read_artifacts()}
    assert (ended.id in left, running.id in left, strangers.id in left) == (False, True, True)
    assert "progress-b987654321" not in keys
    assert "strangers" in keys
    engine = open_database(museum.configuration.database_url)
    assert [table_rows(engine, model) for model in (Delivery, Batch, Media)] == [0, 0, 1]
    engine.dispose()


def years_pass_in_prefect(*artifacts: str) -> None:
    """For the runs that have ended by now, and these artifacts: Prefect itself dates nothing back."""
    url = get_current_settings().server.database.connection_url
    assert url is not None
    path = url.get_secret_value().removeprefix("sqlite+aiosqlite:///")
    with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
        then = "2020-01-01 00:00:00.000000"
        connection.execute("UPDATE flow_run SET end_time = ? WHERE end_time IS NOT NULL", (then,))
        marks = ", ".join("?" for _ in artifacts)
        connection.execute(f"UPDATE artifact SET updated = ? WHERE key IN ({marks})", (then, *artifacts))


def long_ago(connection: Connection) -> None:
    then = utc_now() - timedelta(days=400)
    connection.execute(update(table_of(Delivery)).values(delivered_at=then))
    connection.execute(update(table_of(Batch)).values(settled_at=then))


def test_every_artifact_of_a_task_is_under_a_key_of_ours() -> None:
    sources = "\n".join(path.read_text() for path in (PROJECT / "tasks").glob("*.py"))
    keys = {re.sub(r"\{[^}]*\}", "%", key) for key in re.findall(r'key=f?"([a-z][^"]*)"', sources)}
    written = {key for key in keys if not key.startswith("batch-")} | set(re.findall(r'key = f"([a-z-]+)\{', sources))
    assert {key.removesuffix("%") for key in OUR_KEYS} == {key.removesuffix("%") for key in written}
