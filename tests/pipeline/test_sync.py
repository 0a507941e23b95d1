"""A sync: what it finds in folders and in S3, what it changes when it is told to, and what it refuses."""

import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from sais.catalog.bulk import table_of
from sais.catalog.media import find_media
from sais.errors import InputError
from sais.pipeline.archive import archive_chunk
from sais.pipeline.download import download_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.reading import batch_status
from sais.storage import Storage
from sais.syncing.comparing import check_shares, compare_part
from sais.syncing.listing import list_part
from sais.syncing.outcome import outcome_of
from sais.syncing.plan import plan_sync
from sais.syncing.whole import find_all, mend_all
from sais_models import FileMarking, Layout, Media, MediaMarking, StoredFile
from sais_models.wire import MediaRow
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Status

IMAGES = 6
JPEG = encoded(quarters(), "JPEG")


def picture(number: int) -> bytes:
    return encoded(quarters(80 + number, 60), "JPEG")


@pytest.fixture
async def rows(stored_museum: Museum, origin: Origin) -> list[MediaRow]:
    """Six images, archived and with small and tiny thumbs, in the order of their addresses."""
    urls = [origin.serve(f"/{number}.jpg", Content(picture(number))) for number in range(IMAGES)]
    return (await stored_museum.ingest_urls(*urls, presets=("small", "tiny"))).rows


def path(row: MediaRow) -> str:
    assert row.path is not None
    return row.path


async def look(museum: Museum, *, checksums: bool = False) -> Counter[str]:
    async with museum.run() as resources:
        plan = await plan_sync(resources, "museum", orphan_age=timedelta(0))
        findings = await find_all(resources, plan, checksums=checksums)
        return (await outcome_of(resources, plan, findings)).sums


async def repair(museum: Museum, *, share: float = 1.0, checksums: bool = False) -> Counter[str]:
    """What was done; then its batches are worked on to their end, as a run of ingest does."""
    async with museum.run() as resources:
        plan = await plan_sync(resources, "museum", orphan_age=timedelta(0))
        findings = await find_all(resources, plan, checksums=checksums)
        await check_shares(resources, plan, findings, share)
        counts, batches = await mend_all(resources, plan)
        for batch in batches:
            await work(museum, batch.id or 0)
            assert (await resources.read(batch_status, batch.id or 0)).settled
    return +counts


async def work(museum: Museum, batch: int) -> None:
    async with museum.run() as resources:
        for chunk in (await plan_batch(resources, Order("museum", batch=batch))).chunks:
            await download_chunk(resources, chunk, last_try=True)
            await archive_chunk(resources, chunk)
            await resize_chunk(resources, chunk)


async def media_of(museum: Museum, rows: Sequence[MediaRow]) -> list[Media]:
    async with museum.run() as resources:
        found = await resources.read(find_media, [row.code or "" for row in rows])
    return [found[row.code or ""] for row in rows]


async def test_what_is_as_it_should_be_differs_in_nothing(stored_museum: Museum, rows: list[MediaRow]) -> None:
    assert await look(stored_museum) == {"files": 3 * IMAGES}
    assert await look(stored_museum, checksums=True) == {"files": 3 * IMAGES}


async def test_each_kind_of_difference_is_told_and_nothing_is_changed(
    stored_museum: Museum, archive: Storage, cache: Storage, rows: list[MediaRow]
) -> None:
    before = await media_of(stored_museum, rows)
    await archive.delete(path(rows[0]))
    await archive.write(path(rows[1]), b"short", "image/jpeg")
    await archive.write(path(rows[2]), bytes(len(picture(2))), "image/jpeg")
    await archive.write("museum/55/of-nobody.jpg", JPEG, "image/jpeg")
    await archive.write("museum/loose.jpg", JPEG, "image/jpeg")
    await cache.delete(f"small/{path(rows[3])}")
    await cache.write(f"tiny/{path(rows[4])}", b"torn", "image/webp")
    await cache.write("former/museum/70/of-nobody.webp", b"x", "image/webp")
    wanted = {
        "archive missing": 1,
        "archive size differs": 1,
        "archive orphaned": 2,
        "cache missing": 1,
        "cache size differs": 1,
        "cache orphaned": 1,
        "files": 3 * IMAGES - 2 + 3,
    }
    assert await look(stored_museum) == wanted, "equal size: only the bytes tell"
    assert await look(stored_museum, checksums=True) == {**wanted, "archive checksum differs": 1}
    assert await look(stored_museum) == {**wanted, "archive checksum differs": 1}, "it is known from now on"
    assert await media_of(stored_museum, rows) == before
    assert await archive.size("museum/loose.jpg") == len(JPEG)


async def test_repair_makes_everything_whole(
    stored_museum: Museum, archive: Storage, cache: Storage, rows: list[MediaRow], origin: Origin
) -> None:
    await archive.delete(path(rows[0]))
    await archive.write(path(rows[1]), b"short", "image/jpeg")
    shutil.rmtree(stored_museum.settings.originals_dir)
    await archive.write(path(rows[2]), bytes(len(picture(2))), "image/jpeg")
    await archive.write("museum/55/of-nobody.jpg", JPEG, "image/jpeg")
    await cache.delete(f"small/{path(rows[3])}")
    await cache.write(f"tiny/{path(rows[4])}", b"torn", "image/webp")
    await cache.write("small/museum/70/of-nobody.webp", b"x", "image/webp")
    done = await repair(stored_museum, checksums=True)
    assert done == {"lost": 3, "remade": 2, "quarantined": 2}
    assert await look(stored_museum, checksums=True) == {"files": 3 * IMAGES}
    assert [origin.hits[f"/{number}.jpg"] for number in range(IMAGES)] == [2, 2, 2, 1, 1, 1]
    assert [media.marking for media in await media_of(stored_museum, rows)] == [MediaMarking.RESIZED] * IMAGES
    kept = [entry.path async for entry in archive.list(".quarantine")]
    assert [name.split("/", 2)[2] for name in kept] == ["museum/55/of-nobody.jpg"]
    assert await archive.read(kept[0]) == JPEG
    kept = [entry.path async for entry in cache.list(".quarantine")]
    assert [name.split("/", 2)[2] for name in kept] == ["small/museum/70/of-nobody.webp"]
    assert await repair(stored_museum) == {}


async def test_a_lost_original_comes_from_this_machine_before_its_source_is_asked(
    stored_museum: Museum, archive: Storage, rows: list[MediaRow], origin: Origin
) -> None:
    await archive.delete(path(rows[0]))
    (stored_museum.settings.originals_dir / path(rows[1])).write_bytes(b"not what was archived")
    await archive.delete(path(rows[1]))
    assert await repair(stored_museum) == {"restored": 1, "lost": 1}
    assert await archive.read(path(rows[0])) == picture(0)
    assert await archive.read(path(rows[1])) == picture(1)
    assert (origin.hits["/0.jpg"], origin.hits["/1.jpg"]) == (1, 2)


async def test_an_original_that_is_lost_for_good_keeps_its_thumbs_and_has_its_reason(
    stored_museum: Museum, archive: Storage, cache: Storage, rows: list[MediaRow], origin: Origin
) -> None:
    shutil.rmtree(stored_museum.settings.originals_dir)
    origin.serve("/0.jpg", Status(404))
    await archive.delete(path(rows[0]))
    await repair(stored_museum)
    (media,) = await media_of(stored_museum, rows[:1])
    assert (media.marking, media.reason, media.path) == (MediaMarking.FAILED, "http_404", rows[0].path)
    assert await cache.size(f"small/{path(rows[0])}")
    origin.serve("/0.jpg", Content(encoded(quarters(300, 200), "PNG"), "image/png"))
    again = (await stored_museum.ingest_urls(rows[0].original_url, presets=("small", "tiny"))).rows[0]
    assert (again.marking, again.mime_type, again.path) == ("resized", "image/png", rows[0].path)
    assert again.thumb_data["small"].width == 192, "other bytes: the thumbs were made again"


async def test_a_storage_that_is_not_mounted_empties_no_catalogue(
    stored_museum: Museum, archive: Storage, rows: list[MediaRow]
) -> None:
    before = await media_of(stored_museum, rows)
    async for entry in archive.list():
        await archive.delete(entry.path)
    with pytest.raises(
        InputError, match=r"6 of 6 files of museum are lost in archive \(100%\), more than 5%"
    ) as caught:
        await repair(stored_museum, share=0.05)
    assert caught.value.field == "allow_missing_share"
    assert await media_of(stored_museum, rows) == before


async def test_what_changed_since_the_listing_began_is_not_judged(
    stored_museum: Museum, archive: Storage, rows: list[MediaRow], origin: Origin
) -> None:
    url = origin.serve("/late.jpg", Content(JPEG))
    await archive.write("museum/55/just-coming.jpg", JPEG, "image/jpeg")
    async with stored_museum.run() as resources:
        plan = await plan_sync(resources, "museum")
        for part in plan.parts:
            await list_part(resources, part, checksums=False)
        await stored_museum.ingest(resources, Order("museum", urls=[url]))
        assert [found for part in plan.parts for found in (await compare_part(resources, part)).findings] == []


async def test_a_media_that_a_run_works_on_is_left_to_it(
    stored_museum: Museum, archive: Storage, rows: list[MediaRow]
) -> None:
    shutil.rmtree(stored_museum.settings.originals_dir)
    await archive.delete(path(rows[0]))
    async with stored_museum.run() as other:
        lease = other.lease()
        code = rows[0].code
        held = {"leased_by": lease.run, "leased_until": lease.until}
        await other.write(
            lambda c: c.execute(update(table_of(Media)).where(table_of(Media).c.code == code).values(held))
        )
        assert await repair(stored_museum) == {}
    assert await repair(stored_museum) == {"lost": 1}


async def test_paths_of_another_layout_are_listed_where_they_are(
    stored_museum: Museum, archive: Storage, rows: list[MediaRow]
) -> None:
    code = rows[0].code or ""
    elsewhere = f"museum/{code[:2]}/{code[2:4]}/{code[4:]}.jpg"
    await archive.move(path(rows[0]), elsewhere)
    async with stored_museum.run() as resources:
        table = table_of(Media)
        await resources.write(lambda c: c.execute(update(table).where(table.c.code == code).values(path=elsewhere)))
    sums = await look(stored_museum)
    assert (sums["archive missing"], sums["archive orphaned"]) == (0, 0)
    assert (sums["cache missing"], sums["cache orphaned"]) == (2, 2), "its thumbs did not move"


@pytest.mark.parametrize("layout", list(Layout))
async def test_every_layout(museum: Museum, origin: Origin, layout: Layout) -> None:
    async with museum.run() as resources:
        await museum.set_up(resources, root="gallery", layout=layout)
        urls = [origin.serve(f"/{number}.jpg", Content(picture(number))) for number in range(IMAGES)]
        await museum.ingest(resources, Order("gallery", urls=urls))
        plan = await plan_sync(resources, "gallery")
        findings = await find_all(resources, plan)
        assert findings == []
        assert (await outcome_of(resources, plan, findings)).listed["archive"][0] == IMAGES
        names = [directory for part in plan.parts for directory in part.directories]
        assert len(set(names)) == {"octal2": 64, "octal3": 512, "hex22": 256}[layout] + 1
        assert len(plan.parts) == 64


async def test_rows_follow_the_listings(stored_museum: Museum, archive: Storage, rows: list[MediaRow]) -> None:
    def listed(connection: Connection) -> dict[str, tuple[FileMarking, int | None]]:
        table = table_of(StoredFile)
        found = connection.execute(
            select(table.c.path, table.c.marking, table.c.size).where(table.c.storage == "archive")
        )
        return {name: (marking, size) for name, marking, size in found}

    name, directory = path(rows[0]), path(rows[0]).rpartition("/")[0]
    await look(stored_museum)
    async with stored_museum.run() as resources:
        known = await resources.read(listed)
        assert known[name] == (FileMarking.FILE, len(picture(0)))
        together = sum(row.size or 0 for row in rows if path(row).startswith(f"{directory}/"))
        assert known[directory] == (FileMarking.LISTING, together)
    await look(stored_museum, checksums=True)
    async with stored_museum.run() as resources:
        assert (await resources.read(listed))[name][0] == FileMarking.HAS_META
    await archive.write(name, b"changed", "image/jpeg")
    await look(stored_museum)
    async with stored_museum.run() as resources:
        assert (await resources.read(listed))[name] == (FileMarking.FILE, 7)
    await archive.delete(name)
    await look(stored_museum)
    async with stored_museum.run() as resources:
        assert name not in await resources.read(listed)
