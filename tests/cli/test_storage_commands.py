"""`sais sync`, `sais evict` and `sais refresh` on this machine's own folders."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sais.cli import app
from sais.errors import InputError, UnknownAccount
from sais.settings import Settings
from sais_models.wire import MediaRow
from tests.support.batches import Museum, as_on_another_disk
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def rows(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> list[MediaRow]:
    """Two images with small thumbs."""
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    urls = [origin.serve(f"/{number}.jpg", Content(encoded(quarters(80 + number, 60), "JPEG"))) for number in range(2)]
    return asyncio.run(Museum(settings).ingest_urls(*urls, presets=["small"])).rows


def run(*arguments: str) -> dict[str, object]:
    ended = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    value: dict[str, object] = json.loads(ended.stdout)
    return value


def thumb(settings: Settings, row: MediaRow) -> Path:
    return settings.home / "cache" / "small" / (row.path or "")


def test_sync_tells_and_mends_only_when_told_to(settings: Settings, rows: list[MediaRow]) -> None:
    assert run("sync", "museum")["sums"] == {"files": 4}
    thumb(settings, rows[0]).unlink()
    for options in ([], ["--repair", "--dry-run", "--allow-missing-share", "0.5"]):
        told = run("sync", "museum", *options)
        assert (told["sums"], told["repaired"], told["batches"]) == ({"files": 3, "cache missing": 1}, False, [])
    with pytest.raises(InputError, match="1 of 2 files of museum are lost in cache/small"):
        run("sync", "museum", "--repair")
    told = run("sync", "museum", "--repair", "--allow-missing-share", "0.5")
    assert (told["repaired"], len(told["batches"])) == (True, 1)  # type: ignore[arg-type]


def test_evict(settings: Settings, rows: list[MediaRow]) -> None:
    local = settings.originals_dir / (rows[0].path or "")
    for row in rows:
        as_on_another_disk(settings.originals_dir / (row.path or ""))
    assert run("evict")["toGo"] == {"files": 0, "bytes": 0}
    size = sum(row.size or 0 for row in rows)
    assert run("evict", "--older-than", "0s", "--dry-run")["toGo"] == {"files": 2, "bytes": size}
    assert local.exists()
    told = run("evict", "--keep-gb", "0")
    assert (told["outcome"], told["freed"]) == ({"evicted": 2}, size)
    assert not local.exists()


def test_refresh(rows: list[MediaRow], origin: Origin) -> None:
    assert run("refresh", "museum")["counts"] == {"due": 0}
    assert run("refresh", "museum", "--older-than", "0s", "--dry-run")["counts"] == {"due": 2}
    assert origin.hits.total() == 2
    assert run("refresh", "museum", "--older-than", "0s", "--limit", "1")["counts"] == {
        "due": 2,
        "asked": 1,
        "unchanged": 1,
    }


@pytest.mark.parametrize("arguments", [["refresh", "museum", "--older-than", "week"], ["evict", "--older-than", "7"]])
def test_an_age_that_is_none(settings: Settings, arguments: list[str]) -> None:
    with pytest.raises(InputError, match="write it as 7d, 12h, 30m or 45s"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.mark.parametrize("command", ["sync", "refresh"])
def test_a_root_that_nobody_has(settings: Settings, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    with pytest.raises(UnknownAccount):
        CliRunner().invoke(app, [command, "nobody"], catch_exceptions=False)
