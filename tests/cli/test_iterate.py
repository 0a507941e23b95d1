"""`sais iterate` on this machine's own database."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sais.catalog.bulk import new_row
from sais.catalog.database import open_database, writing
from sais.catalog.media import add_media
from sais.cli import app
from sais.errors import UnknownAccount
from sais.settings import Settings
from sais_models import Media

PLACES = [f"https://a.example/{number}.jpg" for number in range(7)]


@pytest.fixture
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account with 7 media that nobody works on."""
    monkeypatch.setenv("SAIS_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    run("register", "museum", "100")
    with writing(open_database(settings.effective_database_url)) as connection:
        rows = [new_row(Media, code=f"{number:016x}", root="museum", url=url) for number, url in enumerate(PLACES)]
        add_media(connection, rows)
    return tmp_path


def run(*arguments: str) -> dict[str, object]:
    ended = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    value: dict[str, object] = json.loads(ended.stdout)
    return value


@pytest.mark.parametrize(
    ("options", "found"),
    [([], 7), (["--batch", "3"], 7), (["--offset", "5"], 2), (["--limit", "4", "--batch", "3"], 4)],
    ids=str,
)
def test_a_dry_run_counts_and_sends_nothing(home: Path, options: list[str], found: int) -> None:
    for _ in range(2):
        told = run("iterate", "museum", "--dry-run", *options)
        assert told == {"account": "museum", "found": found, "batches": [], "dryRun": True}


def test_a_root_that_nobody_has(home: Path) -> None:
    with pytest.raises(UnknownAccount):
        run("iterate", "nobody")
