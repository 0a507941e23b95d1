"""Eviction: which local originals go, which stay and why, and how they come back."""

import os
import shutil
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from sais.catalog.bulk import table_of
from sais.evicting.evicting import Evicted, evict_page, evict_pages, plan_eviction
from sais.evicting.rule import Cut, LocalFile, Rule, cut_of
from sais.pipeline.plan import Order, plan_batch
from sais.storage import Storage
from sais_models import Media
from sais_models.wire import MediaRow
from tests.support.batches import Museum, as_on_another_disk
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

IMAGES = 4
DAY = 86_400


@pytest.fixture
async def rows(stored_museum: Museum, origin: Origin) -> list[MediaRow]:
    """Four images with small thumbs; the local originals were last used 1, 3, 5 and 7 days ago."""
    urls = [
        origin.serve(f"/{number}.jpg", Content(encoded(quarters(80 + number, 60), "JPEG"))) for number in range(IMAGES)
    ]
    rows = (await stored_museum.ingest_urls(*urls, presets=("small",))).rows
    for number, row in enumerate(rows):
        used = time.time() - (2 * number + 1) * DAY
        as_on_another_disk(local(stored_museum, row))
        os.utime(local(stored_museum, row), (used, used))
    return rows


def local(museum: Museum, row: MediaRow) -> Path:
    assert row.path is not None
    return museum.settings.originals_dir / row.path


async def evict(museum: Museum, rule: Rule) -> tuple[Cut, Evicted]:
    evicted = Evicted()
    async with museum.run() as resources:
        cut = await plan_eviction(resources, rule)
        async for page in evict_pages(resources, cut):
            evicted.add(await evict_page(resources, page))
    return cut, evicted


async def test_by_age(stored_museum: Museum, rows: list[MediaRow]) -> None:
    sizes = [local(stored_museum, row).stat().st_size for row in rows]
    cut, evicted = await evict(stored_museum, Rule(4 * DAY))
    assert (cut.files, cut.size, cut.all_files, cut.all_size) == (2, sum(sizes[2:]), 4, sum(sizes))
    assert (evicted.counts, evicted.size) == ({"evicted": 2}, sum(sizes[2:]))
    assert [local(stored_museum, row).exists() for row in rows] == [True, True, False, False]
    assert (await evict(stored_museum, Rule(4 * DAY)))[0].files == 0


async def test_by_room_the_longest_unused_first(stored_museum: Museum, rows: list[MediaRow]) -> None:
    room = sum(local(stored_museum, row).stat().st_size for row in rows[:2])
    _, evicted = await evict(stored_museum, Rule(365 * DAY, room + 1))
    assert evicted.counts == {"evicted": 2}
    assert [local(stored_museum, row).exists() for row in rows] == [True, True, False, False]


async def test_what_the_archive_has_not_whole_stays(
    stored_museum: Museum, archive: Storage, rows: list[MediaRow]
) -> None:
    await archive.delete(rows[0].path or "")
    await archive.write(rows[1].path or "", b"short", "image/jpeg")
    await archive.write(rows[2].path or "", bytes(rows[2].size or 0), "image/jpeg")
    _, evicted = await evict(stored_museum, Rule(0))
    assert evicted.counts == {"evicted": 1, "not whole in the archive": 3}
    assert [local(stored_museum, row).exists() for row in rows] == [True, True, True, False]


async def test_what_a_run_holds_or_a_thumb_waits_for_stays(stored_museum: Museum, rows: list[MediaRow]) -> None:
    table = table_of(Media)
    async with stored_museum.run() as other:
        lease = other.lease()
        held = update(table).where(table.c.code == rows[0].code)
        await other.write(lambda c: c.execute(held.values(leased_by=lease.run, leased_until=lease.until)))
        await plan_batch(other, Order("museum", urls=[rows[1].original_url], presets=["tiny"]))
        local(stored_museum, rows[0]).with_name("of-nobody.jpg").write_bytes(b"x")
        _, evicted = await evict(stored_museum, Rule(0))
    assert evicted.counts == {"evicted": 2, "in use": 2, "of no media": 1}
    assert [local(stored_museum, row).exists() for row in rows] == [True, True, False, False]


async def test_a_new_preset_brings_them_back_from_the_archive(
    stored_museum: Museum, rows: list[MediaRow], origin: Origin
) -> None:
    await evict(stored_museum, Rule(0))
    again = (await stored_museum.ingest_urls(*(row.original_url for row in rows), presets=("tiny",))).rows
    assert [row.thumb_data["tiny"].width for row in again] == [64] * IMAGES
    assert all(local(stored_museum, row).exists() for row in rows)
    assert origin.hits.total() == IMAGES, "never again from the source"


async def test_an_original_that_the_archive_has_lost_fails_its_new_thumb_alone(
    stored_museum: Museum, archive: Storage, rows: list[MediaRow]
) -> None:
    await evict(stored_museum, Rule(0))
    await archive.delete(rows[0].path or "")
    worked = await stored_museum.ingest_urls(*(row.original_url for row in rows), presets=("tiny",))
    assert (worked.status.done, worked.status.failed, worked.status.settled) == (IMAGES - 1, 1, True)
    assert (worked.rows[0].marking, worked.rows[0].reason) == ("resized", "original_lost")
    assert "small" in worked.rows[0].thumb_data


async def test_an_archive_that_is_the_same_folder_or_a_hard_link_is_left_alone(museum: Museum, origin: Origin) -> None:
    urls = [origin.serve(f"/{number}.jpg", Content(encoded(quarters(80 + number, 60), "JPEG"))) for number in range(2)]
    rows = (await museum.ingest_urls(*urls, presets=("small",))).rows
    archived = museum.settings.home / "archive" / (rows[0].path or "")
    assert archived.samefile(local(museum, rows[0]))
    as_on_another_disk(local(museum, rows[1]))
    _, evicted = await evict(museum, Rule(0))
    assert evicted.counts == {"evicted": 1, "the archive's own": 1}
    shutil.rmtree(museum.settings.home / "archive")
    (museum.settings.home / "archive").symlink_to(museum.settings.originals_dir)
    _, evicted = await evict(museum, Rule(0))
    assert evicted.counts == {"the archive's own": 1}
    assert local(museum, rows[0]).exists()


def test_a_cut_takes_whole_steps_of_ten_minutes() -> None:
    files = [LocalFile(f"{number}", 10, 600.0 * number + 5) for number in range(10)]
    assert cut_of(files, Rule(3000), now=6000.0) == Cut(3000.0, 5, 50, 10, 100)
    assert cut_of(files, Rule(9000), now=6000.0).files == 0
    assert cut_of(files, Rule(9000, 95), now=6000.0) == Cut(600.0, 1, 10, 10, 100)
    assert cut_of(files, Rule(9000, 0), now=6000.0).files == 10
    assert cut_of([], Rule(0, 0), now=6000.0).files == 0
