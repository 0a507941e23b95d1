"""Two runs never work on one media at once, and a run that ends leaves nothing locked."""

from datetime import timedelta

from sqlalchemy import Connection, update

from sais.catalog.bulk import table_of
from sais.catalog.media import claim_media, count_unclaimed
from sais.pipeline.download import download_chunk
from sais.pipeline.plan import Order, plan_batch
from sais_models import Media, MediaMarking
from sais_models.columns import utc_now
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

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
