"""`sais doctor` against what is really there, or is not."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from deployments.environment import PROJECT
from sais.accounts import set_up_account
from sais.catalog.accounts import get_account
from sais.catalog.batches import change_batch
from sais.catalog.database import open_database, writing
from sais.cli import app
from sais.dispatch import Submitted
from sais.doctor import DEPLOYMENTS
from sais.fetching import Guard
from sais.settings import Settings
from sais.submission import submit
from sais_models import Lane
from sais_models.columns import utc_now
from sais_models.wire import AccountSetup
from tests.gateway.prefect_stub import PrefectStub, running_prefect


class WholePrefect(PrefectStub):
    """With every deployment but those in `missing`."""

    missing: tuple[str, ...] = ()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        prefix = "/api/deployments/name/"
        if path.startswith(prefix):
            name = path.removeprefix(prefix)
            return (404, {}) if name in self.missing else (200, {"id": name})
        return super().answer(method, path, body)


@pytest.fixture
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAIS_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    return tmp_path


def examined(code: int) -> dict[str, dict[str, Any]]:
    ended = CliRunner().invoke(app, ["doctor", "--json"], catch_exceptions=False)
    assert ended.exit_code == code, ended.output
    return {one["check"]: one for one in json.loads(ended.stdout)}


def test_all_is_well(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_prefect(WholePrefect()) as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        found = examined(0)
    assert list(found) == [
        "database",
        "originals",
        "archive",
        "thumb cache",
        "disk",
        "Prefect API",
        "worker",
        "deployments",
        "work",
    ]
    assert all(one["ok"] and one["remedy"] is None for one in found.values())
    assert [file for file in home.rglob("*") if file.is_file() and not file.name.startswith("sais.db")] == []


def test_without_prefect_the_rest_is_checked(home: Path) -> None:
    found = examined(1)
    assert found["archive"]["ok"]
    assert "sais up" in found["Prefect API"]["remedy"]
    assert "worker" not in found
    assert found["work"]["detail"] == "okay: idle"


def test_a_worker_that_sleeps_and_a_deployment_that_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = WholePrefect(worker="OFFLINE")
    stub.missing = (DEPLOYMENTS[0],)
    with running_prefect(stub) as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        found = examined(1)
    assert [name for name, one in found.items() if not one["ok"]] == ["worker", "deployments"]
    assert DEPLOYMENTS[0] in found["deployments"]["detail"]
    assert "SAIS_WORK_POOL=sais python -m deployments.worker" in found["worker"]["remedy"]


def queued(home: Path, lane: Lane) -> None:
    """A request that came 20 s ago and that nobody has taken."""
    engine = open_database(f"sqlite:///{home / 'sais.db'}")
    with writing(engine) as connection:
        account = AccountSetup(root="museum")
        set_up_account(connection, account, guard=Guard(), key=None)
        images = [Submitted("https://a.example/1.jpg")]
        made = submit(connection, get_account(connection, "museum"), images, guard=Guard(), lane=lane, presets=["tiny"])
        change_batch(connection, made.batch.id or 0, created_at=utc_now() - timedelta(seconds=20))
    engine.dispose()


def test_what_waits_is_judged_as_the_gateway_does(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queued(home, Lane.BULK)
    with running_prefect(WholePrefect(worker=None)) as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        found = examined(1)
    assert found["work"]["detail"].startswith("stalled: no worker of the work pool sais is online; the oldest work has")
    assert found["work"]["remedy"]


@pytest.mark.parametrize(("most", "is_missed"), [("20", True), ("0", False)])
def test_the_quick_runner_is_missed_where_there_should_be_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, most: str, is_missed: bool
) -> None:
    queued(home, Lane.QUICK)
    monkeypatch.setenv("SAIS_QUICK_IMAGES", most)
    with running_prefect(WholePrefect()) as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        found = examined(1 if is_missed else 0)
    assert ("quick lane" in found) == is_missed
    if is_missed:
        assert "1 requests wait for the quick runner" in found["quick lane"]["detail"]


def test_storages_and_a_database_that_cannot_be_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("SAIS_ARCHIVE_URL", (home / "file").as_uri())
    monkeypatch.setenv("SAIS_CACHE_URL", "ftp://a.example/cache")
    monkeypatch.setenv("SAIS_DATABASE_URL", "postgresql://nobody:hush@127.0.0.1:9/sais")
    ended = CliRunner().invoke(app, ["doctor"], catch_exceptions=False)
    assert ended.exit_code == 1
    for check in ("database", "archive", "thumb cache"):
        assert f"NOT  {check}" in ended.stdout
    assert "ok   originals" in ended.stdout
    assert "hush" not in ended.output


def test_the_doctor_knows_every_deployment() -> None:
    declared = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    assert {name.partition("/")[2] for name in DEPLOYMENTS} == {deployment["name"] for deployment in declared}
