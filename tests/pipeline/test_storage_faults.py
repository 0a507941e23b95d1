"""Disks that are full, storages that are away, processes that are killed: no row says done for a file that is not
whole, and the work goes on when the trouble is over."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from deployments.environment import PROJECT
from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows
from sais.errors import StorageError
from sais.pipeline.archive import archive_chunk
from sais.pipeline.download import download_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.settings import Settings
from sais.storage import Entry, open_storage
from sais_models import Media, MediaMarking
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, noise
from tests.support.replies import Content
from tests.support.s3 import S3Server
from tests.support.s3_proxy import S3Proxy

PICTURES = 6
PICTURE = encoded(noise(400, 300), "PNG")


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[S3Proxy]:
    with S3Proxy(s3_server) as proxy:
        yield proxy


@pytest.fixture
def on_s3(settings: Settings, proxy: S3Proxy, bucket: str) -> Museum:
    """Archive and thumb cache in a bucket, behind the proxy."""
    museum = Museum(settings.model_copy(update={"storage_seconds": 60}))
    options = proxy.as_server().options()
    museum.configuration = replace(
        museum.configuration,
        archive_url=f"s3://{bucket}/archive",
        archive_options=options,
        cache_url=f"s3://{bucket}/cache",
        cache_options=options,
    )
    return museum


def media(connection: Connection) -> list[Media]:
    return all_rows(connection, Media, select(table_of(Media)))


def serve(origin: Origin) -> list[str]:
    return [origin.serve(f"/{number}.png", Content(PICTURE)) for number in range(PICTURES)]


@pytest.mark.s3
@pytest.mark.parametrize("fault", ["slow_down", "go_away"])
async def test_a_run_waits_for_s3(on_s3: Museum, proxy: S3Proxy, origin: Origin, fault: str) -> None:
    async with on_s3.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=serve(origin), presets=["tiny"]))
        (chunk,) = plan.chunks
        await download_chunk(resources, chunk, last_try=True)
        getattr(proxy, fault)()
        archiving = asyncio.create_task(archive_chunk(resources, chunk))
        await asyncio.to_thread(proxy.wait_refused, PICTURES)
        assert {row.marking for row in await resources.read(media)} == {MediaMarking.DOWNLOADED}
        proxy.work()
        assert (await archiving).done == PICTURES
        await resize_chunk(resources, chunk)
        rows = await resources.read(media)
        assert {row.marking for row in rows} == {MediaMarking.RESIZED}
        for row in rows:
            assert await resources.archive.read(row.path or "") == PICTURE


@pytest.mark.s3
async def test_a_run_gives_up_as_infrastructure_and_the_next_goes_on(
    on_s3: Museum, proxy: S3Proxy, origin: Origin
) -> None:
    on_s3.configuration = replace(
        on_s3.configuration, settings=on_s3.settings.model_copy(update={"storage_seconds": 0})
    )
    async with on_s3.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=serve(origin), presets=["tiny"]))
        await download_chunk(resources, plan.chunks[0], last_try=True)
        proxy.slow_down()
        with pytest.raises(StorageError, match="SlowDown"):
            await archive_chunk(resources, plan.chunks[0])
        assert {row.marking for row in await resources.read(media)} == {MediaMarking.DOWNLOADED}
        proxy.work()
    async with on_s3.run() as resources:
        worked = await on_s3.ingest(resources, Order("museum", batch=plan.batch.id))
    assert worked.status.done == PICTURES
    assert max(origin.hits.values()) == 1


@pytest.mark.s3
async def test_an_upload_in_parts_that_is_cancelled_leaves_no_parts(
    proxy: S3Proxy, bucket: str, tmp_path: Path
) -> None:
    source = tmp_path / "large.tif"
    source.write_bytes(os.urandom(2**20) * 40)
    async with open_storage(f"s3://{bucket}", proxy.as_server().options()) as storage:
        writing = asyncio.create_task(storage.write_file("large.tif", source, "image/tiff"))
        while not (await parts_of(storage, bucket)).get("Uploads"):
            assert not writing.done()
            await asyncio.sleep(0.01)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert not (await parts_of(storage, bucket)).get("Uploads")
        assert await storage.size("large.tif") is None


async def parts_of(storage: Any, bucket: str) -> dict[str, Any]:
    found: dict[str, Any] = await storage._fs._call_s3("list_multipart_uploads", Bucket=bucket)
    return found


FULL_DISK = """
import asyncio, resource, signal, sys
from tests.support.batches import Museum
from sais.errors import StorageError
from sais.pipeline.plan import Order
from sais.settings import Settings

settings = Settings()
limit = int(sys.argv[1])
async def work():
    museum = Museum(settings)
    async with museum.run() as resources:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        await museum.ingest(resources, Order("museum", urls=sys.argv[2:], presets=["tiny"]))
try:
    asyncio.run(work())
except StorageError as error:
    sys.exit(f"StorageError: {error}")
"""


def test_a_full_disk_fails_the_run_and_no_row_says_done(settings: Settings, origin: Origin) -> None:
    """The database has the room that it needs; the second picture is larger than what a file may have here."""
    large = encoded(noise(1500, 1200), "PNG")
    limit = 2_000_000
    assert len(PICTURE) < limit < len(large)
    urls = [origin.serve("/small.png", Content(PICTURE)), origin.serve("/large.png", Content(large))]
    environment = {
        **os.environ,
        "SAIS_HOME": str(settings.home),
        "SAIS_ALLOW_HOSTS": "127.0.0.1",
        "SAIS_STORAGE_SECONDS": "0",
    }
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(limit), *urls],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "StorageError: cannot write" in ended.stderr
    assert "File too large" in ended.stderr
    assert not list(settings.home.rglob("*.part")), "what could not be finished is gone"
    museum = Museum(settings)

    async def go_on() -> None:
        async with museum.run() as resources:
            rows = await resources.read(media)
            assert {row.marking for row in rows if row.url == urls[1]} == {MediaMarking.NEW}
            assert all(row.leased_by is None for row in rows)
            worked = await museum.ingest(resources, Order("museum", batch=1))
            assert worked.status.done == 2
            for row in await resources.read(media):
                assert await resources.archive.size(row.path or "") == row.size

    asyncio.run(go_on())


KILLED_WRITER = """
import sys
from pathlib import Path
from sais.whole_files import ASIDE, whole_file

archive = Path(sys.argv[1])
with whole_file(archive / "large.tif", archive / ASIDE) as unfinished:
    unfinished.write_bytes(bytes(100_000))
    print(unfinished, flush=True)
    sys.stdin.read()
"""


def test_a_killed_writer_leaves_nothing_that_looks_whole(settings: Settings) -> None:
    unfinished = killed_writer(settings.home / "archive")
    assert asyncio.run(visible(settings.home / "archive")) == []
    asyncio.run(open_and_close(settings))
    assert unfinished.exists(), "it may be another run's that is alive"

    incoming = settings.originals_dir / "museum" / ".incoming"
    incoming.mkdir(parents=True)
    whole = incoming / "0123456789abcdef"
    whole.write_bytes(b"fetched, and then killed")
    for file in (unfinished, whole):
        long_ago = time.time() - max(settings.lease_seconds, settings.fetch_seconds) - 1
        os.utime(file, (long_ago, long_ago))
    asyncio.run(open_and_close(settings))
    assert not unfinished.exists()
    assert not whole.exists()


def killed_writer(archive: Path) -> Path:
    """The file that it was writing."""
    command = [sys.executable, "-c", KILLED_WRITER, str(archive)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout is not None
        unfinished = Path(writer.stdout.readline().strip())
        writer.send_signal(signal.SIGKILL)
    assert unfinished.stat().st_size == 100_000
    return unfinished


async def visible(archive: Path) -> list[Entry]:
    async with open_storage(archive.as_uri()) as storage:
        assert await storage.size("large.tif") is None
        return [entry async for entry in storage.list()]


async def open_and_close(settings: Settings) -> None:
    async with Museum(settings).run():
        pass
