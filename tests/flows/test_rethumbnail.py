"""rethumbnail: a changed preset reaches the thumbs that are there, from the originals that are kept."""

import pytest
from PIL import Image

from flows.rethumbnail import Mode, rethumbnail
from sais.settings import Settings
from sais_models import PresetSettings
from tests.support.batches import Museum, Worked
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
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


async def test_plan_counts_and_changes_nothing(made: tuple[Museum, Worked]) -> None:
    assert await rethumbnail(Mode.PLAN) == {"stale": 3, "media": 0, "failed": 0}
    assert small_widths(*made) == [100, 100, 100]


async def test_apply_makes_again_what_is_stale_and_only_that(made: tuple[Museum, Worked], origin: Origin) -> None:
    museum, worked = made
    tiny = {
        row.code: (museum.settings.home / "cache/tiny" / (row.path or "")).stat().st_mtime_ns for row in worked.rows
    }
    assert await rethumbnail(Mode.APPLY) == {"stale": 3, "media": 3, "failed": 0}
    assert small_widths(museum, worked) == [192, 192, 192]
    assert tiny == {
        row.code: (museum.settings.home / "cache/tiny" / (row.path or "")).stat().st_mtime_ns for row in worked.rows
    }
    assert await rethumbnail(Mode.APPLY) == {"stale": 0, "media": 0, "failed": 0}
    assert sum(origin.hits.values()) == 3, "never again from the source"


async def test_an_evicted_original_comes_from_the_archive(made: tuple[Museum, Worked]) -> None:
    museum, worked = made
    for original in museum.settings.originals_dir.rglob("*.jpg"):
        original.unlink()
    assert (await rethumbnail(Mode.APPLY))["media"] == 3
    assert small_widths(museum, worked) == [192, 192, 192]


async def test_only_the_accounts_and_presets_that_are_named(made: tuple[Museum, Worked]) -> None:
    assert (await rethumbnail(Mode.PLAN, accounts=["gallery"]))["stale"] == 0
    assert (await rethumbnail(Mode.PLAN, presets=["tiny"]))["stale"] == 0
    with pytest.raises(Exception, match="unknown preset 'vast'"):
        await rethumbnail(Mode.PLAN, presets=["vast"])
