"""An origin with pictures, and an installation that fetches from it."""

from collections.abc import Iterator

import pytest

from sais.settings import Settings
from tests.support.batches import Museum
from tests.support.databases import BOTH, database_url_for
from tests.support.origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def museum(settings: Settings) -> Museum:
    return Museum(settings)


@pytest.fixture(params=BOTH)
def either_museum(
    request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Museum:
    """On SQLite and on PostgreSQL."""
    url = database_url_for(request, tmp_path_factory)
    return Museum(settings.model_copy(update={"database_url": url}))
