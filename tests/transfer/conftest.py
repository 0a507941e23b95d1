"""An installation with the account `museum`, and an empty one, each on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sais.accounts import set_up_account
from sais.catalog.database import open_database, writing
from sais.fetching import Guard
from sais.transfer import Export, ExportOrder, Import, ImportOrder, Tally
from sais_models.wire import AccountSetup
from tests.support.databases import BOTH, database_url_for

PUBLIC = "https://images.example"


@pytest.fixture(params=BOTH)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_database(database_url_for(request, tmp_path_factory))
    with writing(engine) as connection:
        set_up_account(connection, AccountSetup(root="museum"), guard=Guard(), key=None)
    yield engine
    engine.dispose()


@pytest.fixture
def empty(engine: Engine, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Of the same kind as `engine`."""
    if engine.dialect.name == "postgresql":
        url = request.getfixturevalue("postgres_server").fresh_database()
    else:
        url = f"sqlite:///{tmp_path}/empty/sais.db"
    other = open_database(url)
    yield other
    other.dispose()


def export_all(engine: Engine, dest: Path, **options: object) -> dict[str, int]:
    exporting = Export(engine, ExportOrder(dest, **options), PUBLIC)  # type: ignore[arg-type]
    while exporting.step():
        pass
    return exporting.finish()


def import_all(engine: Engine, src: Path, **options: object) -> Tally:
    return run_import(engine, src, **options).tally


def run_import(engine: Engine, src: Path, **options: object) -> Import:
    importing = Import(engine, ImportOrder(src, **options), Guard())  # type: ignore[arg-type]
    while importing.step():
        pass
    return importing


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files of an export into a folder: `write(media=[…], users=[…])`, a line each; text as it is."""

    def folder(**files: list[object]) -> Path:
        import json

        place = tmp_path / "source"
        place.mkdir(exist_ok=True)
        for name, lines in files.items():
            texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
            (place / f"{name}.ndjson").write_text("\n".join(texts) + "\n")
        return place

    return folder
