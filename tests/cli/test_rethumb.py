"""`sais rethumb` and `sais presets`: as processes where they work, for they lower their own priority."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col
from typer.testing import CliRunner

from sais.catalog.bulk import table_of
from sais.catalog.database import open_database, reading, writing
from sais.cli import app
from sais.errors import InputError, PrefectUnavailable, UnknownPreset
from sais.pipeline.resources import open_resources
from sais.settings import Settings
from sais_models import Media, PresetSettings, Thumb
from tests.support.batches import Museum, Worked
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

BEFORE = PresetSettings(name="small", width=100, height=100)
AFTER = PresetSettings(name="small", width=120, height=120)
IMAGES = 12


@pytest.fixture
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images whose small thumbs another recipe made; no Prefect server answers."""
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_IMAGING_WORKERS", "1")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    asyncio.run(_make(settings))
    return settings.home


async def _make(settings: Settings) -> Worked:
    museum = Museum(settings, [BEFORE])
    with Origin() as origin:
        urls = [origin.serve(f"/{n}.jpg", Content(encoded(quarters(), "JPEG"))) for n in range(IMAGES)]
        worked = await museum.ingest_urls(*urls, presets=["small"])
    async with open_resources(replace(museum.configuration, presets=(AFTER,)), "publishes"):
        return worked


def run(*arguments: str) -> Any:
    ended = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sais.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def apply(*arguments: str) -> Any:
    process = start("rethumb", "apply", "--json", *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def thumbs_of(recipe: str) -> int:
    with reading(open_database(Settings().effective_database_url)) as connection:
        made = select(func.count()).select_from(table_of(Thumb)).where(col(Thumb.recipe) == recipe)
        return connection.execute(made).scalar_one()


def test_plan_apply_and_nothing_left(home: Path) -> None:
    plan = run("rethumb", "plan", "--account", "museum")
    assert (plan["stale"], plan["images"], plan["minutes"], plan["minutesAre"]) == (IMAGES, IMAGES, None, "unknown")
    done = apply()
    assert (done["images"], done["failed"], done["reasons"]) == (IMAGES, 0, {})
    assert run("rethumb", "plan")["stale"] == 0


def test_killed_it_goes_on_with_what_is_stale_still(home: Path) -> None:
    process = start("rethumb", "apply", "--rate", "1")
    assert process.stderr is not None
    while not 0 < thumbs_of(AFTER.recipe) < IMAGES:
        assert process.poll() is None, process.stderr.read()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    made = thumbs_of(AFTER.recipe)
    assert 0 < made < IMAGES
    _release()
    assert apply()["images"] == IMAGES - made


def _release() -> None:
    """As if the lease of the killed process had run out."""
    with writing(open_database(Settings().effective_database_url)) as connection:
        connection.execute(update(table_of(Media)).values(leased_by=None, leased_until=None))


def test_history_and_rollback(home: Path) -> None:
    rows = run("presets", "history", "small")
    assert {row["recipe"]: row["current"] for row in rows} == {AFTER.recipe: True, BEFORE.recipe: False}
    told = run("presets", "rollback", "small", "--no-block")
    assert (told["recipe"], told["block"]) == (BEFORE.recipe, False)
    (small,) = run("presets", "list")
    assert (small["recipe"], small["width"]) == (BEFORE.recipe, 100)
    assert run("rethumb", "plan")["stale"] == 0, "the thumbs that are there are those of this recipe"
    with pytest.raises(InputError, match="is the recipe of small already"):
        run("presets", "rollback", "small", BEFORE.recipe, "--no-block")
    with pytest.raises(InputError, match=f"there are: {AFTER.recipe}"):
        run("presets", "rollback", "small", "0123456789ab", "--no-block")
    with pytest.raises(UnknownPreset, match="there are: small"):
        run("presets", "history", "vast")


def test_without_prefect_a_rollback_changes_nothing(home: Path) -> None:
    with pytest.raises(PrefectUnavailable, match="--no-block"):
        run("presets", "rollback", "small")
    (small,) = run("presets", "list")
    assert small["recipe"] == AFTER.recipe
