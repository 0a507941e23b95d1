"""An export or import that was killed goes on where it was."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.database import writing
from sais.catalog.transfer import forget_cursors
from sais.errors import InputError, StorageError
from sais.fetching import Guard
from sais.transfer import Export, ExportOrder, Import, ImportOrder, Kind
from sais_models import Media
from sais_models.columns import utc_now
from tests.support.rows import everything, fill
from tests.transfer.conftest import PUBLIC, export_all, import_all

SECRETS = ("key_hash", "webhook_secret")
STEPS = """
import os, signal, sys
from pathlib import Path
from sais.catalog.database import open_database
from sais.fetching import Guard
from sais.transfer import Export, ExportOrder, Import, ImportOrder
url, what, place, steps = sys.argv[1:]
engine = open_database(url)
moving = (
    Export(engine, ExportOrder(Path(place)), "https://images.example")
    if what == "export"
    else Import(engine, ImportOrder(Path(place)), Guard())
)
for _ in range(int(steps)):
    print(moving.step(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_after(engine: Engine, what: str, place: Path, steps: int) -> list[str]:
    """What a process did that ended by SIGKILL after so many steps."""
    url = engine.url.render_as_string(hide_password=False)
    ended = subprocess.run(
        [sys.executable, "-c", STEPS, url, what, str(place), str(steps)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return ended.stdout.splitlines()


@pytest.fixture
def filled(engine: Engine) -> Engine:
    with writing(engine) as connection:
        fill(connection, "museum", 7_000)
    return engine


def test_an_export_goes_on(filled: Engine, empty: Engine, tmp_path: Path) -> None:
    dest = tmp_path / "export"
    assert killed_after(filled, "export", dest, 3)[-1] == "media: 5000 rows"
    with (tmp_path / "export.partial" / "media.ndjson").open("ab") as file:
        file.write(b'{"code": "half a li')
    with writing(filled) as connection:
        late = fill(connection, "museum", 7_001)[-1]
        connection.execute(update(table_of(Media)).where(col(Media.code) == late).values(created_at=utc_now()))
    exporting = Export(filled, ExportOrder(dest), PUBLIC)
    assert exporting.step() == "media: 7000 rows"
    while exporting.step():
        pass
    assert exporting.finish() == {"accounts": 1, "presets": 0, "media": 7_000, "thumbs": 7_000}
    codes = [json.loads(line)["code"] for line in (dest / "media.ndjson").read_text().splitlines()]
    assert (len(codes), len(set(codes)), late in codes) == (7_000, 7_000, False), "what came later is not in it"
    assert import_all(empty, dest).refused == 0


def test_an_interrupted_export_is_not_mistaken_for_another(engine: Engine, tmp_path: Path) -> None:
    Export(engine, ExportOrder(tmp_path / "x"), PUBLIC).step()
    with pytest.raises(InputError, match="other options"):
        Export(engine, ExportOrder(tmp_path / "x", with_secrets=True), PUBLIC)


def test_two_exports_do_not_write_to_one_place(engine: Engine, tmp_path: Path) -> None:
    first = Export(engine, ExportOrder(tmp_path / "x"), PUBLIC)
    with pytest.raises(InputError, match="another export writes"):
        Export(engine, ExportOrder(tmp_path / "x"), PUBLIC)
    while first.step():
        pass
    assert first.finish()["accounts"] == 1
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == sorted(
        ["sais.json", *(kind.file for kind in Kind)]
    )


@pytest.mark.parametrize("name", ["export", "export.zip"])
def test_an_import_goes_on(filled: Engine, empty: Engine, tmp_path: Path, name: str) -> None:
    export_all(filled, tmp_path / name)
    assert killed_after(empty, "import", tmp_path / name, 3)[-1] == "media: 4000 lines"
    importing = Import(empty, ImportOrder(tmp_path / name), Guard())
    assert importing.step() == "media: 6000 lines"
    while importing.step():
        pass
    assert importing.tally.sums[Kind.MEDIA] == {"read": 7_000, "added": 7_000}, "sums go on too"
    assert everything(empty, without=SECRETS) == everything(filled, without=SECRETS)
    assert Import(empty, ImportOrder(tmp_path / name), Guard()).step() == "accounts: 1 lines", "a new one begins anew"


def test_a_file_that_has_changed_is_read_from_its_beginning(filled: Engine, empty: Engine, tmp_path: Path) -> None:
    export_all(filled, tmp_path / "export")
    killed_after(empty, "import", tmp_path / "export", 3)
    with (tmp_path / "export" / "media.ndjson").open("a") as file:
        file.write("\n")
    assert Import(empty, ImportOrder(tmp_path / "export"), Guard()).step() == "accounts: 1 lines"
    with writing(empty) as connection:
        forget_cursors(connection)


def test_what_the_disk_refuses_is_told_and_can_be_repeated(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        Export(engine, ExportOrder(tmp_path / "file" / "below"), PUBLIC)
