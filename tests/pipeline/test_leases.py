"""Two runs never work on one media at once, and a run that ends leaves nothing locked."""

import asyncio
import os
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select, update

from sais.catalog.batches import get_batch
from sais.catalog.bulk import table_of
from sais.catalog.media import claim_media, count_unclaimed, find_media
from sais.catalog.rows import all_rows
from sais.errors import UnfinishedChunk
from sais.pipeline.archive import archive_chunk
from sais.pipeline.download import download_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.pipeline.resources import Resources
from sais_models import Chunk, Media, MediaMarking
from sais_models.columns import utc_now
from tests.support.batches import Museum, replace_settings
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Request

NEW = [MediaMarking.NEW]


async def test_what_one_run_holds_another_leaves_alone(either_museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(encoded(quarters(), "JPEG")))
    async with either_museum.run() as first, either_museum.run() as second:
        (chunk,) = (await plan_batch(first, Order("museum", urls=[url]))).chunks
        assert len(await first.write(claim_media, chunk, first.lease(), NEW)) == 1
        assert await second.write(claim_media, chunk, second.lease(), NEW) == []
        assert await second.read(count_unclaimed, chunk, second.run, NEW) == 1
        report = await download_chunk(second, chunk, last_try=False)
        assert (report.done, report.held, origin.hits["/one.jpg"]) == (0, 1, 0)
        report = await download_chunk(first, chunk, last_try=False)
        assert (report.done, report.held) == (1, 0)


async def test_a_lease_that_ran_out_is_anybodys(either_museum: Museum) -> None:
    async with either_museum.run() as first, either_museum.run() as second:
        (chunk,) = (await plan_batch(first, Order("museum", urls=["http://a.example/1.jpg"]))).chunks
        await first.write(claim_media, chunk, first.lease(), NEW)
        await first.write(_run_out)
        assert len(await second.write(claim_media, chunk, second.lease(), NEW)) == 1
        assert await first.write(claim_media, chunk, first.lease(), NEW) == []


def _run_out(connection: Connection) -> None:
    connection.execute(update(table_of(Media)).values(leased_until=utc_now() - timedelta(seconds=1)))


async def test_a_run_that_ends_gives_back_what_it_held(either_museum: Museum) -> None:
    async with either_museum.run() as first:
        (chunk,) = (await plan_batch(first, Order("museum", urls=["http://a.example/1.jpg"]))).chunks
        await first.write(claim_media, chunk, first.lease(), NEW)
    async with either_museum.run() as second:
        assert len(await second.write(claim_media, chunk, second.lease(), NEW)) == 1


async def test_two_batches_that_want_the_same_image_are_both_told(either_museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(encoded(quarters(), "JPEG")))
    either_museum.callback = origin.url("/hook")
    async with either_museum.run() as resources:
        waiting = await plan_batch(resources, Order("museum", urls=[url]))
    worked = await either_museum.ingest_urls(url)
    assert worked.status.settled
    async with either_museum.run() as resources:
        resumed = await either_museum.ingest(resources, Order("museum", batch=waiting.batch.id))
    assert (resumed.status.settled, resumed.plan.chunks, origin.hits["/one.jpg"]) == (True, [], 1)


async def test_a_run_that_lives_keeps_what_it_holds_however_long_it_takes(
    either_museum: Museum,
) -> None:
    short = replace_settings(either_museum, lease_seconds=0.4)
    async with short.run() as first, short.run() as second:
        plan = await plan_batch(first, Order("museum", urls=["http://a.example/1.jpg"]))
        (chunk,) = plan.chunks
        [claimed] = await first.write(claim_media, chunk, first.lease(), NEW)
        until = claimed.leased_until
        for _ in range(3):
            until = await renewed(first, claimed.code, until)
        assert await second.write(claim_media, chunk, second.lease(), NEW) == []
        batch = await first.read(get_batch, plan.batch.id or 0)
        assert batch.held_until is not None
        assert plan.batch.held_until is not None
        assert batch.held_until > plan.batch.held_until
    [left] = [*(await media_of(short)).values()]
    assert (left.leased_by, left.leased_until) == (None, None)


async def renewed(resources: Resources, code: str, until: datetime | None) -> datetime | None:
    """The next time to which the lease goes."""
    async with asyncio.timeout(30):
        while (now := (await resources.read(find_media, [code]))[code].leased_until) == until:  # noqa: ASYNC110  the database
            await asyncio.sleep(0.01)
    return now


async def media_of(museum: Museum) -> dict[str, Media]:
    async with museum.run() as resources:
        return await resources.read(
            lambda connection: {row.code: row for row in all_rows(connection, Media, select(table_of(Media)))}
        )


class AfterOpening:
    """A picture that the origin keeps back until it is opened."""

    def __init__(self, picture: bytes) -> None:
        self.opened = threading.Event()
        self.picture = picture

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        await asyncio.to_thread(self.opened.wait, 30)
        return await Content(self.picture).send(request, writer)


async def test_a_run_that_was_away_too_long_overwrites_nothing(either_museum: Museum, origin: Origin) -> None:
    """Another run took the media meanwhile; the first one's picture comes late, and is another."""
    late, better = AfterOpening(encoded(quarters(20, 20), "JPEG")), encoded(quarters(80, 60), "JPEG")
    url = origin.serve("/one.jpg", late, Content(better))
    async with either_museum.run() as first, either_museum.run() as second:
        plan = await plan_batch(first, Order("museum", urls=[url]))
        (chunk,) = plan.chunks
        slow = asyncio.create_task(download_chunk(first, chunk, last_try=True))
        async with asyncio.timeout(30):
            while not origin.hits["/one.jpg"]:  # noqa: ASYNC110  a server in another thread
                await asyncio.sleep(0.01)
        await second.write(_run_out)
        await archived_by(second, chunk)
        late.opened.set()
        report = await slow
        assert (report.lost, report.done) == (1, 1)
        with pytest.raises(UnfinishedChunk):
            report.require_finished()
        await resize_chunk(second, chunk)
    [row] = (await media_of(either_museum)).values()
    assert (row.marking, row.width, row.size) == (MediaMarking.RESIZED, 80, len(better))
    assert (either_museum.settings.home / "archive" / (row.path or "")).read_bytes() == better


async def archived_by(resources: Resources, chunk: Chunk) -> None:
    report = await download_chunk(resources, chunk, last_try=True)
    assert (report.done, report.held) == (1, 0)
    assert (await archive_chunk(resources, chunk)).done == 1


async def test_a_run_that_slept_past_its_lease_puts_no_file_in_place(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(encoded(quarters(), "JPEG")))
    async with museum.run() as resources:
        (chunk,) = (await plan_batch(resources, Order("museum", urls=[url]))).chunks
        resources.hold._renewed_at -= timedelta(hours=1)
        report = await download_chunk(resources, chunk, last_try=True)
        assert (report.lost, report.done) == (1, 0)
    assert not [path for path in museum.settings.originals_dir.rglob("*") if path.is_file()]


async def test_the_same_address_in_chunks_at_once_is_fetched_once(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(encoded(quarters(), "JPEG")))
    single = replace_settings(museum, chunk_images=1)
    async with single.run() as resources:
        chunks = (await plan_batch(resources, Order("museum", urls=[url, url, url]))).chunks
        origin.hold()
        working = [asyncio.create_task(download_chunk(resources, chunk, last_try=False)) for chunk in chunks]
        pending = set(working)
        while len(pending) > 1:  # the two that have nothing to do end by themselves
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        origin.release()
        reports = await asyncio.gather(*working)
    assert sorted((report.done, report.held) for report in reports) == [(0, 1), (0, 1), (1, 0)]
    assert origin.hits["/one.jpg"] == 1


async def test_what_a_killed_run_left_half_fetched_is_cleared_away(museum: Museum) -> None:
    incoming = museum.settings.originals_dir / "museum" / ".incoming"
    incoming.mkdir(parents=True)
    old, fresh = incoming / "00ff.run-1", incoming / "00ff.run-2"
    for place in (old, fresh):
        place.write_bytes(b"half")
    os.utime(old, (0, 0))
    async with museum.run() as resources:
        (chunk,) = (await plan_batch(resources, Order("museum", urls=["http://127.0.0.1:9/1.jpg"]))).chunks
        await download_chunk(resources, chunk, last_try=True)
    assert list(incoming.iterdir()) == [fresh]
