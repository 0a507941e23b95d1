"""What failed for a reason that may pass is tried again with growing pauses, and those who were told so hear of it."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select, update

from sais.catalog.accounts import get_account
from sais.catalog.bulk import new_row, table_of
from sais.catalog.media import save_thumbs
from sais.catalog.rows import all_rows
from sais.errors import InputError
from sais.pipeline.download import download_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resources import Resources
from sais.retry_times import PAUSES, next_retry
from sais.retrying import Failed, Retried, look, retry_due, retry_failed
from sais.settling import cancel
from sais_models import Media, MediaMarking, Thumb, ThumbMarking
from sais_models.columns import utc_now
from tests.support.batches import Museum, replace_settings
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Reply, Status, busy

JPEG = encoded(quarters(), "JPEG")
NOW = utc_now()


@pytest.mark.parametrize(("retries", "pause"), list(enumerate(PAUSES)))
def test_pauses_grow_with_the_sweeps(retries: int, pause: float) -> None:
    times = [next_retry(NOW, retries) for _ in range(50)]
    seconds = [(time - NOW).total_seconds() / pause for time in times if time is not None]
    assert len(seconds) == 50
    assert 0.8 <= min(seconds) < max(seconds) <= 1.2, "not all in the same moment"


def test_after_the_last_pause_it_stays_failed_and_an_origin_that_asks_for_more_time_gets_it() -> None:
    assert next_retry(NOW, len(PAUSES)) is None
    assert next_retry(NOW, 0, retry_after=3_600) == NOW + timedelta(hours=1)
    assert next_retry(NOW, 3, retry_after=1) != NOW + timedelta(seconds=1)


async def only_media(resources: Resources) -> Media:
    [media] = await resources.read(
        lambda connection: all_rows(connection, Media, select(table_of(Media)).order_by(table_of(Media).c.code))
    )
    return media


def _make_due(connection: Connection) -> None:
    table = table_of(Media)
    connection.execute(update(table).where(table.c.retry_at.is_not(None)).values(retry_at=utc_now()))


async def sweep(resources: Resources) -> Retried:
    await resources.write(_make_due)
    return await resources.write(retry_due, guard=resources.guard, limit=100)


async def work(museum: Museum, resources: Resources, retried: Retried) -> None:
    for batch in retried.pending:
        await museum.ingest(resources, Order("museum", batch=batch.id))
    await resources.mailing.deliver_due()


def told(origin: Origin, count: int) -> list[tuple[str, str, str | None, object]]:
    bodies = [json.loads(post.body) for post in origin.wait_for_posts(count)]
    paths = [post.path for post in origin.posts]
    assert len(bodies) == count
    return [
        (path, body["marking"], body["reason"], body["context"].get("n"))
        for path, body in zip(paths, bodies, strict=True)
    ]


async def test_who_was_told_that_it_failed_is_told_when_it_is_done_and_not_in_between(
    either_museum: Museum, origin: Origin
) -> None:
    url = origin.serve("/late.jpg", *[busy()] * 9, Content(JPEG))
    either_museum.callback = origin.url("/hook")
    first = await either_museum.ingest_urls(url, presets=("tiny",), context={"n": 1})
    second = await either_museum.ingest_urls(url, presets=("small",), context={"n": 2})
    assert first.rows[0].reason == second.rows[0].reason == "http_503"
    async with either_museum.run() as resources:
        due = (await only_media(resources)).retry_at
        assert due is not None
        assert timedelta(minutes=3) < due - utc_now() < timedelta(minutes=7)
        assert (await resources.write(retry_due, guard=resources.guard, limit=100)).found == 0, "not due yet"
        once = await sweep(resources)
        assert (once.found, len(once.batches)) == (1, 2)
        await work(either_museum, resources, once)
        media = await only_media(resources)
        assert (media.marking, media.retries) == (MediaMarking.FAILED, 1)
        assert len(origin.posts) == 2, "that it failed they know"
        await work(either_museum, resources, await sweep(resources))
        media = await only_media(resources)
    assert (media.marking, media.retry_at, media.retries) == (MediaMarking.RESIZED, None, 0)
    after = sorted(told(origin, 4)[2:], key=str)
    assert after == [("/hook", "resized", None, 1), ("/hook", "resized", None, 2)]


async def test_a_reason_that_has_become_a_lasting_one_is_told(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/gone.jpg", *[busy()] * 3, Status(410))
    museum.callback = origin.url("/hook")
    await museum.ingest_urls(url)
    async with museum.run() as resources:
        await work(museum, resources, await sweep(resources))
        assert (await only_media(resources)).retry_at is None
    assert [reason for _, _, reason, _ in told(origin, 2)] == ["http_503", "http_410"]


async def test_the_sweep_gives_up_after_its_last_pause(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/busy.jpg", busy())
    await museum.ingest_urls(url)
    async with museum.run() as resources:
        for sweeps in range(len(PAUSES)):
            assert (await only_media(resources)).retries == sweeps
            await work(museum, resources, await sweep(resources))
        media = await only_media(resources)
        assert (media.marking, media.retryable, media.retry_at) == (MediaMarking.FAILED, True, None)
        assert (await sweep(resources)).found == 0
        asked = await ask(resources)
        assert asked.found == 1
        await work(museum, resources, asked)
        assert (await only_media(resources)).retry_at is not None, "asked for, it begins anew"


async def ask(resources: Resources, *reasons: str) -> Retried:
    return await resources.write(_ask, Failed(reasons), resources)


def _ask(connection: Connection, which: Failed, resources: Resources) -> Retried:
    account = get_account(connection, "museum")
    looked = look(connection, account, which)
    retried = retry_failed(connection, account, which, guard=resources.guard)
    assert (looked.found, looked.last) == (retried.found, retried.last)
    return retried


@pytest.mark.parametrize(
    ("reasons", "paths"),
    [
        ([], ["/503", "/429"]),
        (["http_503"], ["/503"]),
        (["http_4xx"], ["/404", "/429"]),
        (["http_5xx", "not_image"], ["/503", "/page"]),
        (["permanent"], ["/404", "/page"]),
        (["network"], []),
        (["all"], ["/503", "/429", "/404", "/page"]),
    ],
    ids=str,
)
async def test_only_what_failed_for_the_reasons_asked_for(
    either_museum: Museum, origin: Origin, reasons: list[str], paths: list[str]
) -> None:
    replies: dict[str, Reply] = {"/503": busy(), "/429": Status(429), "/404": Status(404), "/page": Content(b"<html>")}
    urls = [origin.serve(path, reply) for path, reply in replies.items()]
    good = origin.serve("/good.jpg", Content(JPEG))
    await either_museum.ingest_urls(*urls, good)
    before = dict(origin.hits)
    async with either_museum.run() as resources:
        retried = await ask(resources, *reasons)
        assert retried.found == len(paths)
        await work(either_museum, resources, retried)
    assert {path for path in origin.hits if origin.hits[path] > before[path]} == set(paths)


async def test_a_word_that_is_no_reason_names_those_there_are(museum: Museum) -> None:
    async with museum.run() as resources:
        with pytest.raises(InputError, match=r"http_9999.*passing.*http_NNN"):
            await ask(resources, "http_9999")


def _forget_memory(connection: Connection) -> None:
    """As when there was no memory for one more thumb of a picture that has others."""
    media = all_rows(connection, Media, select(table_of(Media)))[0]
    failed = {"marking": ThumbMarking.FAILED, "reason": "out_of_memory"}
    save_thumbs(connection, [new_row(Thumb, code=media.code, preset="medium", **failed)])
    connection.execute(update(table_of(Media)).values(retry_at=utc_now()))


async def test_a_thumb_that_failed_alone_is_made_from_the_original_that_is_there(
    either_museum: Museum, origin: Origin
) -> None:
    url = origin.serve("/one.jpg", Content(JPEG))
    await either_museum.ingest_urls(url, presets=("small",))
    async with either_museum.run() as resources:
        await resources.write(_forget_memory)
        asked = await ask(resources, "out_of_memory")
        await work(either_museum, resources, asked)
        assert (await only_media(resources)).retry_at is None
    worked = await either_museum.ingest_urls(url, presets=("small", "medium"))
    assert (set(worked.rows[0].resized), worked.plan.chunks) == ({"small", "medium"}, [])
    assert origin.hits["/one.jpg"] == 1


async def test_a_client_that_has_it_by_now_is_not_told_again_and_a_cancelled_batch_is_done_with(
    museum: Museum, origin: Origin
) -> None:
    url = origin.serve("/late.jpg", *[busy()] * 3, Content(JPEG))
    museum.callback = origin.url("/hook")
    await museum.ingest_urls(url, presets=("tiny",))
    await museum.ingest_urls(url, presets=("tiny",))
    assert [marking for _, marking, _, _ in told(origin, 2)] == ["failed", "resized"]
    async with museum.run() as resources:
        await resources.write(_forget_memory)
        assert (await sweep(resources)).batches == []


async def test_failed_images_of_a_cancelled_batch_are_left_as_they_are(museum: Museum, origin: Origin) -> None:
    single = replace_settings(museum, chunk_images=1)
    urls = [origin.serve("/busy.jpg", busy()), origin.serve("/never.jpg", Content(JPEG))]
    async with single.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=urls))
        await download_chunk(resources, plan.chunks[0], last_try=True)
        assert await resources.write(cancel, plan.batch.id or 0)
        swept = await sweep(resources)
    assert (swept.found, swept.batches) == (1, [])


async def test_a_retry_after_is_respected(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/limit.jpg", Status(429, {"retry-after": "3000"}))
    await museum.ingest_urls(url)
    async with museum.run() as resources:
        due: datetime | None = (await only_media(resources)).retry_at
    assert due is not None
    assert due - utc_now() > timedelta(minutes=45)
