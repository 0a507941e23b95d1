"""A former recipe comes back: the command changes the block too, and the flow makes the former bytes again."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from prefect.settings import get_current_settings
from typer.testing import CliRunner

from blocks.preset import SaisPreset
from flows.rethumbnail import Mode, rethumbnail
from sais.cli import app
from sais.settings import Settings
from tests.support.batches import Museum, Worked
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
async def block() -> AsyncIterator[SaisPreset]:
    """As the bootstrap made it, and as it is again afterwards."""
    block = await _load()
    kept = block.settings("small")
    yield block
    await SaisPreset.of(kept).asave("small", overwrite=True)


async def _load() -> SaisPreset:
    block: SaisPreset = await SaisPreset.aload("small")
    return block


def of_small(museum: Museum, worked: Worked) -> bytes:
    return (museum.settings.home / "cache/small" / (worked.rows[0].path or "")).read_bytes()


async def test_rolled_back_it_is_byte_for_byte_as_it_was(
    settings: Settings, origin: Origin, block: SaisPreset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("PREFECT_API_URL", str(get_current_settings().api.url))
    museum = Museum(settings, [block.settings("small")])
    worked = await museum.ingest_urls(origin.serve("/1.jpg", Content(encoded(quarters(), "JPEG"))), presets=["small"])
    before = of_small(museum, worked)

    block.quality, block.width = 30, 150
    await block.asave("small", overwrite=True)
    assert (await rethumbnail(Mode.APPLY))["thumbs"] == 1
    assert of_small(museum, worked) != before

    told = await asyncio.to_thread(CliRunner().invoke, app, ["presets", "rollback", "small", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["block"] is True
    assert (await _load()).width == 192, "the next run publishes what the block says"
    assert (await rethumbnail(Mode.APPLY))["thumbs"] == 1
    assert of_small(museum, worked) == before
