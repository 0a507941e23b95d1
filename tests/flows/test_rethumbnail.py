"""rethumbnail: a changed preset reaches the thumbs that are there, from the originals that are kept."""

import base64
import json

import pytest
from PIL import Image
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort

from flows.rethumbnail import Mode, rethumbnail
from sais.settings import Settings
from sais_models import PresetSettings
from tests.support.batches import Museum, Worked
from tests.support.origin import Origin
from tests.support.pictures import decoded, encoded, quarters
from tests.support.replies import Content

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

FORMER = [PresetSettings(name="small", width=100, height=100), PresetSettings(name="tiny", width=64, height=64)]


@pytest.fixture
async def made(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> tuple[Museum, Worked]:
    """Three images whose small thumbs another recipe made than the one in the blocks (192 pixels)."""
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_CHUNK_IMAGES", "2")
    museum = Museum(settings, FORMER)
    urls = [origin.serve(f"/{n}.jpg", Content(encoded(quarters(), "JPEG"))) for n in range(3)]
    return museum, await museum.ingest_urls(*urls, presets=["small", "tiny"])


def small_widths(museum: Museum, worked: Worked) -> list[int]:
    widths = []
    for row in worked.rows:
        with Image.open(museum.settings.home / "cache" / "small" / (row.path or "")) as thumb:
            widths.append(thumb.width)
    return widths


async def artifact(key: str) -> Artifact:
    """The newest."""
    async with get_client() as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        return (await client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.UPDATED_DESC, limit=1))[0]


async def test_plan_tells_what_is_stale_and_changes_nothing(made: tuple[Museum, Worked]) -> None:
    museum, worked = made
    evicted = museum.settings.originals_dir / (worked.rows[0].path or "")
    evicted.unlink()
    assert await rethumbnail(Mode.PLAN) == {"stale": 3, "images": 3}
    assert small_widths(*made) == [100, 100, 100]
    table = await artifact("stale-thumbs")
    (row,) = json.loads(str(table.data))
    assert (row["account"], row["stale thumbs"], row["images"], row["by preset"]) == ("museum", 3, 3, "small 3")
    summary = str((await artifact("stale-thumbs-summary")).data)
    assert "**3** thumbs of 3 images in 1 accounts" in summary


async def test_apply_makes_again_what_is_stale_and_only_that(made: tuple[Museum, Worked], origin: Origin) -> None:
    museum, worked = made
    tiny = {
        row.code: (museum.settings.home / "cache/tiny" / (row.path or "")).stat().st_mtime_ns for row in worked.rows
    }
    sums = await rethumbnail(Mode.APPLY)
    assert sums == {"stale": 3, "images": 3, "thumbs": 3, "failed": 0, "left": 0, "webhooks": 0}
    assert small_widths(museum, worked) == [192, 192, 192]
    assert tiny == {
        row.code: (museum.settings.home / "cache/tiny" / (row.path or "")).stat().st_mtime_ns for row in worked.rows
    }
    assert (await rethumbnail(Mode.APPLY))["stale"] == 0
    assert sum(origin.hits.values()) == 3, "never again from the source"


async def test_what_is_to_be_seen_of_it(made: tuple[Museum, Worked]) -> None:
    museum, worked = made
    (museum.settings.originals_dir / (worked.rows[0].path or "")).write_bytes(b"torn")
    assert (await rethumbnail(Mode.APPLY))["failed"] == 1
    assert (await artifact("rethumb-progress-museum")).data == 100.0
    sheet = str((await artifact("rethumb-sheet-museum")).data).removeprefix("data:image/webp;base64,")
    assert decoded(base64.b64decode(sheet)).width > 4 * 192
    (failed,) = json.loads(str((await artifact("rethumb-failures")).data))
    assert (failed["account"], failed["images"], failed["reason"]) == ("museum", 1, "not_image")
    assert sorted(small_widths(museum, worked)) == [100, 192, 192], "what failed keeps its old thumb"
    assert "| images | 2 |" in str((await artifact("rethumb-summary")).data)


async def test_an_evicted_original_comes_from_the_archive(made: tuple[Museum, Worked]) -> None:
    museum, worked = made
    for original in museum.settings.originals_dir.rglob("*.jpg"):
        original.unlink()
    assert (await rethumbnail(Mode.APPLY))["images"] == 3
    assert small_widths(museum, worked) == [192, 192, 192]


async def test_only_the_accounts_and_presets_that_are_named(made: tuple[Museum, Worked]) -> None:
    assert (await rethumbnail(Mode.PLAN, presets=["tiny"]))["stale"] == 0
    assert (await rethumbnail(Mode.PLAN, accounts=["museum"], presets=["small"]))["stale"] == 3
    with pytest.raises(Exception, match="unknown preset 'vast'"):
        await rethumbnail(Mode.PLAN, presets=["vast"])
    with pytest.raises(Exception, match="gallery"):
        await rethumbnail(Mode.PLAN, accounts=["gallery"])
