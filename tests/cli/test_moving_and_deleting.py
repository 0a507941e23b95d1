"""`sais export`, `sais import` and `sais purge` as a user types them."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from sais.accounts import set_up_account
from sais.catalog.accounts import get_account
from sais.catalog.bulk import table_of
from sais.catalog.database import open_database, writing
from sais.dispatch import Submitted
from sais.fetching import Guard
from sais.submission import submit
from sais_models import Batch, BatchMarking, Media
from sais_models.columns import utc_now
from sais_models.wire import AccountSetup
from tests.cli.test_commands import Sais
from tests.cli.test_commands import sais as sais  # noqa: PLC0414  a fixture
from tests.support.rows import fill


@pytest.fixture
def codes(tmp_path: Path) -> list[str]:
    """Of three media, without files, of the account museum."""
    engine = open_database(f"sqlite:///{tmp_path}/sais.db")
    with writing(engine) as connection:
        set_up_account(connection, AccountSetup(root="museum"), guard=Guard(), key=None)
        codes = fill(connection, "museum", 3)
    engine.dispose()
    return codes


def change(tmp_path: Path, work: object) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/sais.db")
    with writing(engine) as connection:
        work(connection)  # type: ignore[operator]
    engine.dispose()


@pytest.mark.usefixtures("codes")
def test_out_and_in_again(sais: Sais, tmp_path: Path) -> None:
    counted = json.loads(sais("export", str(tmp_path / "x.zip"), "--dry-run", "--json").stdout)
    assert counted["rows"] == {"accounts": 1, "presets": 0, "media": 3, "thumbs": 3}
    done = sais("export", str(tmp_path / "x.zip"), "--json")
    assert json.loads(done.stdout)["rows"] == counted["rows"]
    assert done.stderr.splitlines() == ["accounts: 1 rows", "presets: 0 rows", "media: 3 rows", "thumbs: 3 rows"]
    assert json.loads(sais("purge", "museum", "--yes", "--json").stdout)["account"]["buried"] is True
    told = sais("import", str(tmp_path / "x.zip"), "--json")
    back = json.loads(told.stdout)
    assert (told.returncode, back["sums"]["media"]) == (0, {"read": 3, "added": 3})
    assert list(back["newKeys"]) == ["museum"]
    assert sais("export", str(tmp_path / "x.zip")).returncode == 2


def test_bad_lines_end_with_code_1_and_are_told(sais: Sais, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "users.ndjson").write_text('{"root": "museum"}\n{"root": "x"}\n')
    ended = sais("import", str(tmp_path / "in"))
    assert ended.returncode == 1
    assert "accounts line 2: root 'x' must be" in ended.stderr
    assert ended.stdout.startswith("key of museum  ")


def test_a_purge_asks_or_is_told_yes(sais: Sais, codes: list[str]) -> None:
    plan = json.loads(sais("purge", "museum", "--dry-run", "--json").stdout)["plan"]
    assert [(count["root"], count["media"], count["thumbs"]) for count in plan] == [("museum", 3, 3)]
    refused = sais("purge", "museum")
    assert (refused.returncode, "--yes deletes museum" in refused.stderr) == (2, True)
    gone = json.loads(sais("purge", "--media", codes[0], "--media", "nonsense", "--yes", "--json").stdout)
    assert (gone["deleted"], gone["busy"], gone["unknown"]) == (1, 0, ["nonsense"])
    whole = sais("purge", "museum", "--yes")
    assert (whole.returncode, "the account is gone" in whole.stdout) == (0, True)
    assert sais("purge", "museum", "--yes").returncode == 2


@pytest.mark.usefixtures("codes")
def test_what_a_run_holds_ends_with_code_1(sais: Sais, tmp_path: Path) -> None:
    def lease(connection: Connection) -> None:
        leased = {"leased_by": "run", "leased_until": utc_now() + timedelta(minutes=5)}
        connection.execute(update(table_of(Media)).values(leased))

    change(tmp_path, lease)
    ended = sais("purge", "museum", "--yes")
    assert (ended.returncode, "3 media are held by a run" in ended.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [[], ["museum", "--old"], ["--old", "--media", "x"]], ids=" ".join)
def test_one_thing_at_a_time(sais: Sais, arguments: list[str]) -> None:
    ended = sais("purge", *arguments)
    assert (ended.returncode, "give a ROOT, or --media, or --old" in ended.stderr) == (2, True)


@pytest.mark.usefixtures("codes")
def test_old_batches_go(sais: Sais, tmp_path: Path) -> None:
    def old_batch(connection: Connection) -> None:
        account = get_account(connection, "museum")
        submit(connection, account, [Submitted("ftp://a.example/x")], guard=Guard())
        settled = {"marking": BatchMarking.SETTLED, "settled_at": utc_now() - timedelta(days=91)}
        connection.execute(update(table_of(Batch)).values(settled))

    change(tmp_path, old_batch)
    counted = {"deliveries": 0, "batches": 1, "items": 1}
    assert json.loads(sais("purge", "--old", "--dry-run", "--json").stdout) == counted | {"dryRun": True}
    assert json.loads(sais("purge", "--old", "--json").stdout) == counted | {"dryRun": False}
    assert json.loads(sais("purge", "--old", "--json").stdout)["batches"] == 0
