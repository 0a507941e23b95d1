"""Databases that a test runs on: SQLite in a folder, and PostgreSQL."""

import pytest

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


def database_url_for(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an empty database of the kind that `request.param` names."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'sais.db'}"
