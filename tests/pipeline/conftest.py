"""An origin with pictures, and an installation that fetches from it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from sais.settings import Settings
from sais.storage import Storage, open_storage
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


STORES = [
    pytest.param("folder", id="sqlite-folder"),
    pytest.param("s3", id="postgres-s3", marks=[pytest.mark.postgres, pytest.mark.s3]),
]


@pytest.fixture(params=STORES)
def stored_museum(request: pytest.FixtureRequest, settings: Settings) -> Museum:
    """Archive and thumb cache in folders and rows in SQLite; both in a real S3 and rows in PostgreSQL."""
    if request.param == "folder":
        return Museum(settings)
    museum = Museum(settings.model_copy(update={"database_url": request.getfixturevalue("postgres_url")}))
    bucket, options = request.getfixturevalue("bucket"), request.getfixturevalue("s3_options")
    museum.configuration = replace(
        museum.configuration,
        archive_url=f"s3://{bucket}/archive",
        archive_options=options,
        cache_url=f"s3://{bucket}/cache",
        cache_options=options,
    )
    return museum


@pytest.fixture
async def archive(stored_museum: Museum) -> AsyncIterator[Storage]:
    """The archive of `stored_museum`, for whoever puts his hand into it."""
    async with open_storage(stored_museum.configuration.archive_url, stored_museum.configuration.archive_options) as it:
        yield it


@pytest.fixture
async def cache(stored_museum: Museum) -> AsyncIterator[Storage]:
    async with open_storage(stored_museum.configuration.cache_url, stored_museum.configuration.cache_options) as it:
        yield it
