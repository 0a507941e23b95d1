"""sync-storage, evict-originals and refresh-sources as Prefect runs them, with the artifacts that they leave."""

import json
import os
import time
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateName,
)

from deployments.environment import PROJECT
from flows.evict_originals import evict_originals
from flows.ingest import ingest
from flows.refresh_sources import refresh_sources
from flows.sync_storage import sync_storage
from sais.settings import Settings
from tests.support.batches import Museum, Worked, as_on_another_disk
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

IMAGES = 3


@pytest.fixture
async def made(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> tuple[Museum, Worked]:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    museum = Museum(settings)
    urls = [
        origin.serve(f"/{number}.jpg", Content(encoded(quarters(80 + number, 60), "JPEG"))) for number in range(IMAGES)
    ]
    return museum, await museum.ingest_urls(*urls, presets=["small"])


async def table(key: str) -> list[dict[str, object]]:
    """The newest table artifact of that key."""
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    rows: list[dict[str, object]] = json.loads(str(max(found, key=lambda artifact: str(artifact.created)).data))
    return rows


async def scheduled_runs() -> set[UUID]:
    """Of `ingest` for batches of the museum."""
    scheduled = FlowRunFilterState(name=FlowRunFilterStateName(any_=["Scheduled"]))
    named = FlowRunFilter(name=FlowRunFilterName(like_="ingest-museum-b"), state=scheduled)
    async with get_client() as client:
        return {run.id for run in await client.read_flow_runs(flow_run_filter=named)}


async def test_a_sync_tells_mends_and_starts_ingest(made: tuple[Museum, Worked]) -> None:
    museum, worked = made
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="nobody", type="process"), overwrite=True)
    flow = await ingest.from_source(source=str(PROJECT), entrypoint="flows/ingest.py:ingest")  # type: ignore[misc]
    await flow.deploy("ingest", work_pool_name="nobody", print_next_steps=False)
    home = museum.settings.home
    (home / "cache" / "small" / (worked.rows[0].path or "")).unlink()
    (home / "archive" / "museum" / "of-nobody.jpg").write_bytes(b"x")
    found = {"cache missing": 1, "archive orphaned": 1, "files": 2 * IMAGES}
    assert await sync_storage(orphan_minutes=0) == {"museum": found}
    rows = sorted(await table("sync-differences-museum"), key=lambda row: str(row["storage"]))
    assert [(row["storage"], row["kind"], row["files"]) for row in rows] == [
        ("archive", "orphaned", 1),
        ("cache/small", "missing", 1),
    ]
    assert rows[0]["examples"] == "museum/of-nobody.jpg"
    assert rows[1]["examples"] == worked.rows[0].path
    before = await scheduled_runs()
    with pytest.raises(Exception, match="is it mounted"):
        await sync_storage(repair=True, orphan_minutes=0)
    assert (home / "archive" / "museum" / "of-nobody.jpg").exists()
    mended = await sync_storage(["museum"], repair=True, orphan_minutes=0, allow_missing_share=0.5)
    assert (mended["museum"]["remade"], mended["museum"]["quarantined"]) == (1, 1)
    assert len(await scheduled_runs() - before) == 1


async def test_an_eviction_plans_and_deletes(made: tuple[Museum, Worked]) -> None:
    museum, worked = made
    used = time.time() - 8 * 86_400
    for row in worked.rows[:2]:
        original = museum.settings.originals_dir / (row.path or "")
        as_on_another_disk(original)
        os.utime(original, (used, used))
    assert await evict_originals(dry_run=True) == {"to go": 2, "freed bytes": 0}
    freed = sum(row.size or 0 for row in worked.rows[:2])
    assert await evict_originals() == {"to go": 2, "freed bytes": freed, "evicted": 2}
    rows = await table("evicted-originals")
    assert [(row["local originals"], row["files"]) for row in rows] == [
        ("all", 3),
        ("planned to go", 2),
        ("evicted", 2),
        ("freed", None),
    ]
    assert await evict_originals() == {"to go": 0, "freed bytes": 0}


async def test_a_refresh_asks_and_takes_in(made: tuple[Museum, Worked], origin: Origin) -> None:
    museum, worked = made
    origin.serve("/0.jpg", Content(encoded(quarters(300, 200), "JPEG")))
    assert await refresh_sources() == {"museum": {"due": 0}}
    assert await refresh_sources(older_than_days=0, dry_run=True) == {"museum": {"due": IMAGES}}
    assert await refresh_sources(["museum"], older_than_days=0, limit=IMAGES) == {
        "museum": {"due": IMAGES, "asked": IMAGES, "changed": 1, "unchanged": IMAGES - 1}
    }
    assert (await table("refreshed-sources"))[0]["changed"] == 1
    archived = museum.settings.home / "archive" / (worked.rows[0].path or "")
    assert archived.read_bytes() == encoded(quarters(300, 200), "JPEG")
