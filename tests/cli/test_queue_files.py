"""`sais queue --path`: images of this machine, in-process, by the same way in as `POST /upload`."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sais.cli import app
from sais.configuration import Configuration
from sais.errors import InputError
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.pipeline.resources import open_resources
from sais.settings import Settings
from tests.gateway.prefect_stub import PrefectStub, running_prefect
from tests.support.pictures import encoded, quarters


@pytest.fixture
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAIS_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("SAIS_QUICK_IMAGES", "0")
    run("register", "museum", "5000")
    return tmp_path


@pytest.fixture
def picture(home: Path) -> Path:
    place = home / "photos" / "def.jpg"
    place.parent.mkdir()
    place.write_bytes(encoded(quarters(), "JPEG"))
    return place


def run(*arguments: str, code: int = 0) -> Any:
    ended = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert ended.exit_code == code, ended.output
    return json.loads(ended.stdout)


def test_a_file_is_archived_and_queued_and_stays_where_it_is(home: Path, picture: Path) -> None:
    sums = run("queue", "museum", "--path", str(picture), "--preset", "tiny")
    [row] = sums["rows"]
    assert (sums["submitted"], sums["pending"], row["marking"]) == (1, 1, "archived")
    assert row["path"].startswith("museum/")
    for room in ("originals", "archive"):
        assert (home / room / row["path"]).read_bytes() == picture.read_bytes()
    assert not list((home / "originals" / ".incoming").iterdir())
    assert run("queue", "museum", "--path", str(picture))["rows"][0]["code"] == row["code"]


def test_path_and_size_are_told_as_the_predecessor_did(picture: Path) -> None:
    ended = CliRunner().invoke(app, ["queue", "museum", "--path", str(picture)], catch_exceptions=False)
    assert ended.exit_code == 0
    assert f"size: {picture.stat().st_size}" in ended.stdout.splitlines()[0]


def test_wait_until_its_thumb_is_there(home: Path, picture: Path) -> None:
    """The run that is asked for does its work in a thread, as a worker would in a process."""

    def work(batch: int) -> None:
        async def steps() -> None:
            async with open_resources(Configuration.from_settings(Settings()), "run") as resources:
                plan = await plan_batch(resources, Order("museum", batch=batch))
                await resize_chunk(resources, plan.chunks[0])

        asyncio.run(steps())

    workers: list[threading.Thread] = []

    def start(request: dict[str, Any]) -> None:
        workers.append(threading.Thread(target=work, args=(request["parameters"]["batch"],)))
        workers[-1].start()

    with running_prefect(PrefectStub(started=start)) as prefect, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", prefect.url)
        sums = run("queue", "museum", "--path", str(picture), "--preset", "tiny", "--wait")
    workers[0].join()
    assert (sums["settled"], sums["done"]) == (True, 1)
    assert (home / "cache" / "tiny" / sums["rows"][0]["path"]).exists()


def test_the_quick_runner_takes_it_by_itself(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAIS_QUICK_IMAGES", "20")
    with running_prefect() as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        run("queue", "museum", "--path", str(picture))
        assert not prefect.runs
        run("queue", "museum", "--url", "https://a.example/1.jpg")
        assert len(prefect.runs) == 1


def test_files_addresses_and_a_manifest_are_a_batch_each(home: Path, picture: Path) -> None:
    manifest = home / "list.csv"
    manifest.write_text("url\nhttps://a.example/3.jpg\n")
    options = ["--url", "https://a.example/1.jpg", "--url", "https://a.example/2.jpg", "--manifest", str(manifest)]
    sent = run("queue", "museum", "--path", str(picture), *options)
    assert [one["submitted"] for one in sent] == [1, 0, 2]
    assert ["rows" in one for one in sent] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nowhere.jpg", None, "nowhere.jpg is no file"),
        (".", None, "is no file"),
        ("words.jpg", b"no picture", "not_image"),
        ("cut.jpg", encoded(quarters(), "JPEG")[:200], "corrupt"),
    ],
)
def test_what_cannot_be_taken_leaves_nothing(
    home: Path, picture: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (home / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        run("queue", "museum", "--path", str(home / name), "--path", str(picture))
    assert run("status", "museum")[0]["archived"] == 0
    assert not list((home / "originals").rglob("*.jpg")) + list((home / "originals").rglob("*.part"))


def test_a_file_larger_than_any_original(home: Path, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAIS_MAX_BYTES", "100")
    with pytest.raises(InputError, match="too_big: more than 100 bytes"):
        run("queue", "museum", "--path", str(picture))
