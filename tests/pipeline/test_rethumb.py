"""Stale thumbs are made again: whole, in turn after new work, told if asked, and back again."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.deliveries import Which, find_deliveries
from sais.catalog.media import find_thumbs
from sais.catalog.rows import all_rows
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resources import Resources, open_resources
from sais.pipeline.rethumb import rethumb_part
from sais.presets import former, roll_back
from sais.rethumbing.parts import Wanted, cut_parts
from sais.rethumbing.planning import plan_rethumb
from sais.rethumbing.whole import rethumb_all
from sais.rethumbing.work import Rethumbing
from sais_models import (
    Account,
    Batch,
    BatchItem,
    BatchMarking,
    DeliveryMarking,
    Media,
    PresetSettings,
    Thumb,
    ThumbFormat,
    ThumbMarking,
)
from sais_models.columns import utc_now
from tests.support.batches import Museum, Worked
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

BEFORE = (PresetSettings(name="small", width=100, height=100), PresetSettings(name="tiny", width=64, height=64))
AFTER = (PresetSettings(name="small", width=120, height=120, format=ThumbFormat.JPEG), BEFORE[1])
ALL = Wanted()


@pytest.fixture
async def worked(either_museum: Museum, origin: Origin) -> Worked:
    """Five images with small and tiny thumbs, and a preset small that has changed since; parts have two images."""
    museum = either_museum
    museum.settings = museum.settings.model_copy(update={"chunk_images": 2, "imaging_workers": 1})
    museum.configuration = replace(museum.configuration, settings=museum.settings, presets=BEFORE)
    urls = [origin.serve(f"/{n}.jpg", Content(encoded(quarters(300 + n, 200), "JPEG"))) for n in range(5)]
    worked = await museum.ingest_urls(*urls, presets=["small", "tiny"])
    museum.configuration = replace(museum.configuration, presets=AFTER)
    return worked


def small(museum: Museum, worked: Worked) -> list[bytes]:
    return [(museum.settings.home / "cache/small" / (row.path or "")).read_bytes() for row in worked.rows]


async def thumbs(resources: Resources, worked: Worked, preset: str = "small") -> list[Thumb]:
    found = await resources.read(find_thumbs, [row.code or "" for row in worked.rows])
    return [next(thumb for thumb in found[row.code or ""] if thumb.preset == preset) for row in worked.rows]


def is_webp(data: Iterable[bytes]) -> list[bool]:
    return [each[8:12] == b"WEBP" for each in data]


async def test_the_plan_tells_bytes_by_where_they_are(either_museum: Museum, worked: Worked) -> None:
    evicted = worked.rows[0]
    (either_museum.settings.originals_dir / (evicted.path or "")).unlink()
    async with either_museum.run() as resources:
        plan = await plan_rethumb(resources, ALL)
        (account,) = plan.accounts
        assert (account.root, account.thumbs, account.images) == ("museum", {"small": 5}, 5)
        assert (account.archive_images, account.archive_bytes) == (1, evicted.size)
        assert account.local_bytes == sum(row.size or 0 for row in worked.rows[1:])
        assert plan.estimate.minutes is None, "nothing was measured yet"
        await rethumb_all(resources, ALL)
        await resources.write(_make_stale)
        assert (await plan_rethumb(resources, ALL)).estimate.bound == "about"
        assert (await plan_rethumb(resources, Wanted(rate=0.1))).estimate.minutes == pytest.approx(5 / 0.1 / 60, 0.01)


def _make_stale(connection: Connection) -> None:
    connection.execute(update(table_of(Thumb)).where(col(Thumb.preset) == "small").values(recipe="imported"))


async def test_another_format_at_the_same_address(either_museum: Museum, worked: Worked) -> None:
    assert is_webp(small(either_museum, worked)) == [True] * 5
    async with either_museum.run() as resources:
        work = await rethumb_all(resources, ALL)
        assert work.sums == {"stale": 5, "images": 5, "thumbs": 5, "failed": 0, "left": 0, "webhooks": 0}
        rows = await thumbs(resources, worked)
    data = small(either_museum, worked)
    assert is_webp(data) == [False] * 5
    assert [(row.mime_type, row.size, row.recipe) for row in rows] == [
        ("image/jpeg", len(each), AFTER[0].recipe) for each in data
    ]


async def test_the_old_recipe_gives_the_old_bytes(either_museum: Museum, worked: Worked) -> None:
    before = small(either_museum, worked)
    async with either_museum.run() as resources:
        await rethumb_all(resources, ALL)
        assert small(either_museum, worked) != before
        row = await resources.read(former, "small")
        await resources.write(roll_back, "small", row.recipe)
    # Without blocks the database says what the recipes are.
    async with open_resources(replace(either_museum.configuration, presets=()), "back") as resources:
        assert (await rethumb_all(resources, ALL)).sums["thumbs"] == 5
    assert small(either_museum, worked) == before


async def test_what_a_run_holds_or_a_batch_waits_for_is_left_to_them(either_museum: Museum, worked: Worked) -> None:
    held, awaited = worked.rows[0].code or "", worked.rows[1]
    async with either_museum.run() as resources:
        until = utc_now() + timedelta(minutes=1)
        await resources.write(_change_media, held, {"leased_by": "another", "leased_until": until})
        await plan_batch(resources, Order("museum", urls=[awaited.original_url], presets=["small"]))
        await resources.write(_wait_for, awaited.code or "")
        work = await rethumb_all(resources, ALL, patience=0)
        assert (work.sums["images"], work.sums["left"]) == (3, 2)
        rows = await thumbs(resources, worked)
        assert [row.recipe == AFTER[0].recipe for row in rows] == [False, False, True, True, True]
        await resources.write(_change_media, held, {"leased_by": None, "leased_until": None})
        assert (await rethumb_all(resources, ALL, patience=0)).sums["images"] == 1


def _change_media(connection: Connection, code: str, values: dict[str, object]) -> None:
    connection.execute(update(table_of(Media)).where(col(Media.code) == code).values(values))


def _wait_for(connection: Connection, code: str) -> None:
    pending = connection.execute(
        update(table_of(BatchItem)).where(col(BatchItem.code) == code).values(marking="pending")
    )
    assert pending.rowcount


async def test_it_gives_way_to_new_work_and_goes_on_after_it(either_museum: Museum, worked: Worked) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    async with either_museum.run() as resources:
        await resources.write(_mark_batches, BatchMarking.OPEN)
        running = asyncio.create_task(rethumb_all(resources, ALL, patience=600, tell=said.put_nowait))
        assert "gives way" in await said.get()
        assert [row.recipe for row in await thumbs(resources, worked)] == [BEFORE[0].recipe] * 5
        await resources.write(_mark_batches, BatchMarking.SETTLED)
        assert (await running).sums["images"] == 5


async def test_a_batch_that_never_settles_does_not_hold_it_up_for_ever(either_museum: Museum, worked: Worked) -> None:
    async with either_museum.run() as resources:
        await resources.write(_mark_batches, BatchMarking.OPEN)
        assert (await rethumb_all(resources, ALL, patience=0)).sums["images"] == 5


def _mark_batches(connection: Connection, marking: BatchMarking) -> None:
    connection.execute(update(table_of(Batch)).values(marking=marking))


async def test_a_picture_that_fails_keeps_its_thumbs_and_stops_no_other(either_museum: Museum, worked: Worked) -> None:
    broken = worked.rows[2]
    (either_museum.settings.originals_dir / (broken.path or "")).write_bytes(b"torn")
    before = small(either_museum, worked)[2]
    async with either_museum.run() as resources:
        work = await rethumb_all(resources, ALL)
        (failure,) = [failure for _, failure in work.failures.values()]
        assert (failure.code, failure.reason, work.sums["images"]) == (broken.code, "not_image", 4)
        row = (await thumbs(resources, worked))[2]
        assert (row.marking, row.recipe, row.size) == (ThumbMarking.DONE, BEFORE[0].recipe, len(before))
    assert small(either_museum, worked)[2] == before


async def test_a_thumb_that_failed_before_is_left_as_it_is(either_museum: Museum, worked: Worked) -> None:
    code = worked.rows[0].code or ""
    async with either_museum.run() as resources:
        await resources.write(_fail_thumb, code)
        assert (await rethumb_all(resources, ALL)).sums["images"] == 4
        row = (await thumbs(resources, worked))[0]
        assert (row.marking, row.reason) == (ThumbMarking.FAILED, "corrupt")


def _fail_thumb(connection: Connection, code: str) -> None:
    failed = {"marking": ThumbMarking.FAILED, "reason": "corrupt"}
    small_one = (col(Thumb.code) == code, col(Thumb.preset) == "small")
    connection.execute(update(table_of(Thumb)).where(*small_one).values(failed))


async def test_the_account_is_told_of_each_thumb_if_asked(either_museum: Museum, worked: Worked) -> None:
    async with either_museum.run() as resources:
        await resources.write(_call_back, "http://127.0.0.1:9/thumbs")
        work = await rethumb_all(resources, ALL, notify=True)
        waiting = await resources.read(find_deliveries, DeliveryMarking.PENDING, Which("museum"), limit=99)
        assert work.sums["webhooks"] == len(waiting) == 5
        assert {row.subject for row in waiting} == {f"{row.code}/small" for row in worked.rows}
        (batch,) = {row.batch_id for row in waiting}
        (told,) = await resources.read(_batches, batch or 0)
        assert (told.marking, told.submitted, told.root) == (BatchMarking.SETTLED, 5, "museum")


def _call_back(connection: Connection, url: str) -> None:
    connection.execute(update(table_of(Account)).values(thumb_callback_url=url))


def _batches(connection: Connection, batch: int) -> list[Batch]:
    return all_rows(connection, Batch, select(table_of(Batch)).where(col(Batch.id) == batch))


async def test_nobody_is_told_who_did_not_ask(either_museum: Museum, worked: Worked) -> None:
    async with either_museum.run() as resources:
        assert (await rethumb_all(resources, ALL, notify=True)).sums["webhooks"] == 0


async def test_a_run_that_ended_in_between_is_gone_on_with(either_museum: Museum, worked: Worked) -> None:
    async with either_museum.run() as resources:
        plan = await plan_rethumb(resources, ALL)
        parts = await cut_parts(resources, "museum", ALL)
        assert len(parts) == 3
        await rethumb_part(Rethumbing(resources, ALL, plan), parts[0])
    async with either_museum.run() as resources:
        assert (await plan_rethumb(resources, ALL)).thumbs == 3
        assert (await rethumb_all(resources, ALL)).sums["images"] == 3
