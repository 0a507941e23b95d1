"""The tables that the migrations make are the tables that the models describe."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

from sais.catalog.database import MIGRATIONS, open_database, reading, writing
from sais.errors import SettingsError


def test_migrations_and_models_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_opening_twice_changes_nothing(engine: Engine, database_url: str) -> None:
    open_database(database_url).dispose()
    with reading(engine) as connection:
        assert connection.execute(text("select count(*) from account")).scalar() == 1


def test_the_migrations_go_back_to_nothing(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]


def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    program = "import sys; from sais.catalog.database import open_database; open_database(sys.argv[1]).dispose()"
    started = [subprocess.Popen([sys.executable, "-c", program, database_url], cwd=Path.cwd()) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]


def test_sqlite_writes_ahead(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/new/folder/sais.db")
    with reading(engine) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


@pytest.mark.parametrize("url", ["mysql://localhost/x", "nonsense", "oracle://h/x"])
def test_another_kind_of_database_is_refused_by_the_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="SAIS_DATABASE_URL"):
        open_database(url)
