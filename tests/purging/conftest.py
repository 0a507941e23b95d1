"""An installation with real files: on SQLite and PostgreSQL, in folders and in S3."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sais.catalog.threaded import ThreadedDatabase
from sais.pipeline.resources import Resources
from sais.purging import Files, Purge, Purged, begin_account, end_account, purge_all_media, purge_media
from sais.purging.account import AccountEnd
from sais.settings import Settings
from tests.support.batches import Museum
from tests.support.databases import database_url_for
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

JPEG = encoded(quarters(), "JPEG")
KINDS = [
    pytest.param("sqlite", id="sqlite and folders"),
    pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.s3], id="postgres and s3"),
]


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture(params=KINDS)
def museum(
    request: pytest.FixtureRequest, settings: Settings, origin: Origin, tmp_path_factory: pytest.TempPathFactory
) -> Museum:
    url = database_url_for(request, tmp_path_factory)
    museum = Museum(settings.model_copy(update={"database_url": url}))
    museum.callback = origin.url("/hook")
    if request.param == "postgres":
        bucket, options = request.getfixturevalue("bucket"), request.getfixturevalue("s3_options")
        museum.configuration = replace(
            museum.configuration,
            archive_url=f"s3://{bucket}/archive",
            cache_url=f"s3://{bucket}/cache",
            archive_options=options,
            cache_options=options,
        )
    return museum


def pictures(origin: Origin, *names: str) -> list[str]:
    return [origin.serve(f"/{name}.jpg", Content(JPEG)) for name in names]


async def all_files(resources: Resources) -> list[str]:
    """Of the archive, the thumb cache and the local folder."""
    found = [f"archive/{entry.path}" async for entry in resources.archive.list()]
    found += [f"cache/{entry.path}" async for entry in resources.cache.list()]
    originals = resources.settings.originals_dir
    found += [f"originals/{path.relative_to(originals)}" for path in originals.rglob("*") if path.is_file()]
    return sorted(found)


def purge_of(resources: Resources, root: str = "museum") -> Purge:
    files = Files(resources.settings.originals_dir, resources.archive, resources.cache)
    return Purge(ThreadedDatabase(resources.engine), files, root, resources.settings.lease_seconds)


async def delete_media(resources: Resources, codes: list[str]) -> Purged:
    total = Purged()
    async for piece in purge_media(purge_of(resources), codes):
        total += piece
    return total


async def delete_account(resources: Resources, root: str = "museum") -> tuple[Purged, AccountEnd | None]:
    """As the command and the flow do it."""
    purge, total = purge_of(resources, root), Purged()
    await begin_account(purge.database, root)
    async for piece in purge_all_media(purge):
        total += piece
    return total, None if total.busy else await end_account(purge.database, purge.files, root)
