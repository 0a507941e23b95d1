"""Each test of the catalog runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from sais.accounts import set_up_account
from sais.catalog.database import open_database, writing
from sais.fetching import Guard
from sais_models.wire import AccountSetup
from tests.support.databases import BOTH, database_url_for


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return database_url_for(request, tmp_path_factory)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    with writing(engine) as connection:
        set_up_account(connection, AccountSetup(root="museum"), guard=Guard(), key=None)
    yield engine
    engine.dispose()
