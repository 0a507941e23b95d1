"""`sais retry` and `sais cancel` on this machine's own database."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update
from typer.testing import CliRunner

from sais.catalog.bulk import table_of
from sais.catalog.database import open_database, writing
from sais.cli import app
from sais.errors import InputError
from sais.settings import Settings
from sais.settling import settle
from sais_models import Media, MediaMarking


@pytest.fixture
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account with a batch of three images: one busy, one gone, one that waits."""
    monkeypatch.setenv("SAIS_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    run("register", "museum", "100")
    run(
        "queue",
        "museum",
        *(word for name in ("busy", "gone", "new") for word in ("--url", f"https://a.example/{name}")),
    )
    with writing(open_database(settings.effective_database_url)) as connection:
        fail(connection, "busy", "http_503")
        fail(connection, "gone", "http_410")
    return tmp_path


def fail(connection: Connection, name: str, reason: str) -> None:
    table = table_of(Media)
    row = {"marking": MediaMarking.FAILED, "reason": reason}
    changed = update(table).where(table.c.url == f"https://a.example/{name}").values(row).returning(table.c.code)
    settle(connection, [connection.execute(changed).scalar_one()], public_url="http://gateway")


def run(*arguments: str) -> Any:
    ended = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


@pytest.mark.parametrize(
    ("reasons", "found"), [([], 1), (["http_410"], 1), (["permanent"], 1), (["http_503", "http_4xx"], 2), (["dns"], 0)]
)
def test_retry_sends_again_what_failed_for_the_reasons(home: Path, reasons: list[str], found: int) -> None:
    words = [word for reason in reasons for word in ("--reason", reason)]
    dry = run("retry", "museum", "--dry-run", *words)
    assert dry == {"account": "museum", "found": found, "batches": [], "dryRun": True}
    told = run("retry", "museum", *words)
    assert (told["found"], told["batches"]) == (found, [2] if found else [])
    assert run("retry", "museum", *words)["found"] == 0


def test_cancel_tells_the_sums(home: Path) -> None:
    sums = run("cancel", "1")
    assert (sums["marking"], sums["pending"], sums["failed"], sums["cancelled"]) == ("cancelled", 0, 2, 1)
    with pytest.raises(InputError, match="there is no batch 9"):
        run("cancel", "9")
