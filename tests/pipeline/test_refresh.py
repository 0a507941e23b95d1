"""Sources asked again: what is unchanged, changed, gone or busy, and what becomes of files, rows and addresses."""

import json
from datetime import timedelta
from io import BytesIO

import pytest
import xxhash
from PIL import Image
from sqlalchemy import func, select, update

from sais.catalog.bulk import table_of
from sais.catalog.media import find_media
from sais.catalog.sources import count_due
from sais.errors import StorageError
from sais.refreshing.parts import next_part
from sais.refreshing.refreshing import refresh_part
from sais.storage import Storage
from sais_models import Batch, Media, PresetSettings
from sais_models.columns import utc_now
from sais_models.wire import MediaRow
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Status, busy

OLD = encoded(quarters(400, 300), "JPEG")
NEW = encoded(quarters(200, 300), "PNG")
PAGE = Content(b"<html>Sorry</html>", "text/html")


async def ingest(museum: Museum, origin: Origin, *replies: Content) -> list[MediaRow]:
    urls = [origin.serve(f"/{number}.jpg", reply) for number, reply in enumerate(replies)]
    return (await museum.ingest_urls(*urls, presets=("small", "tiny"))).rows


async def refresh(museum: Museum, *, limit: int | None = None) -> dict[str, int]:
    counts: dict[str, int] = {}
    async with museum.run() as resources:
        part = await next_part(resources, "museum", utc_now(), after=None, limit=limit)
        while part is not None:
            for name, count in (await refresh_part(resources, part)).counts.items():
                counts[name] = counts.get(name, 0) + count
            left = None if limit is None else limit - len(part.codes)
            part = await next_part(resources, "museum", utc_now() - timedelta(days=1), after=part, limit=left)
    return counts


async def one(museum: Museum, row: MediaRow) -> Media:
    async with museum.run() as resources:
        return (await resources.read(find_media, [row.code or ""]))[row.code or ""]


async def thumb_width(cache: Storage, row: MediaRow, preset: str) -> int:
    with Image.open(BytesIO(await cache.read(f"{preset}/{row.path}"))) as thumb:
        return thumb.width


async def test_what_is_unchanged_is_only_noted(stored_museum: Museum, archive: Storage, origin: Origin) -> None:
    rows = await ingest(stored_museum, origin, Content(OLD, etag='"v1"'), Content(OLD))
    before = [await one(stored_museum, row) for row in rows]
    files = [(await archive.entry(row.path or "")) for row in rows]
    assert await refresh(stored_museum) == {"asked": 2, "unchanged": 2}
    asked = [request.headers.get("if-none-match") for request in origin.requests if request.path == "/0.jpg"]
    assert asked == [None, '"v1"'], "so it is answered by 304"
    for row, former, file in zip(rows, before, files, strict=True):
        now = await one(stored_museum, row)
        assert now.checked_at is not None
        assert now.checked_at > former.updated_at
        assert now == former.model_copy(update={"checked_at": now.checked_at}), "nothing else has changed"
        entry = await archive.entry(row.path or "")
        assert entry is not None
        assert file is not None
        assert entry.version == file.version
    assert not origin.posts


async def test_what_has_changed_is_taken_in_whole_and_told(
    stored_museum: Museum, archive: Storage, cache: Storage, origin: Origin
) -> None:
    stored_museum.callback = origin.url("/hook")
    (row,) = await ingest(stored_museum, origin, Content(OLD, etag='"v1"'))
    origin.wait_for_posts(1)
    origin.serve("/0.jpg", Content(NEW, "image/png", etag='"v2"'))
    assert await refresh(stored_museum) == {"asked": 1, "changed": 1}
    media = await one(stored_museum, row)
    assert (media.marking, media.path, media.mime_type) == ("resized", row.path, "image/png"), "the address stays"
    assert (media.width, media.height, media.size, media.etag) == (200, 300, len(NEW), '"v2"')
    assert media.checksum == xxhash.xxh3_128_hexdigest(NEW)
    assert media.blurhash != row.blur
    assert await archive.read(row.path or "") == NEW
    assert (stored_museum.settings.originals_dir / (row.path or "")).read_bytes() == NEW
    assert [await thumb_width(cache, row, preset) for preset in ("small", "tiny")] == [128, 43]
    async with stored_museum.run() as resources:
        await resources.mailing.deliver_due()
    first, second = origin.wait_for_posts(2)
    told = json.loads(second.body)
    assert (told["code"], told["marking"], told["originalWidth"]) == (row.code, "resized", 200)
    assert told["path"] == json.loads(first.body)["path"]
    assert set(told["thumbData"]) == {"small", "tiny"}
    assert await refresh(stored_museum) == {"asked": 1, "unchanged": 1}
    assert len(origin.posts) == 2


@pytest.mark.parametrize(
    ("reply", "reason", "counted"),
    [
        (Status(404), "http_404", "gone"),
        (Status(410), "http_410", "gone"),
        (PAGE, "not_image", "gone"),
        (Content(NEW[:-200], "image/png"), "corrupt", "gone"),
        (Content(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40)), "kind_changed", "gone"),
        (busy(), "http_503", "busy"),
    ],
    ids=str,
)
async def test_a_source_that_has_nothing_to_give_loses_nothing(
    museum: Museum, origin: Origin, reply: Content | Status, reason: str, counted: str
) -> None:
    (row,) = await ingest(museum, origin, Content(OLD, etag='"v1"'))
    before = await one(museum, row)
    origin.serve("/0.jpg", reply)
    assert await refresh(museum) == {"asked": 1, counted: 1}
    now = await one(museum, row)
    assert now.source_reason == reason
    assert (now.checked_at is None) == (counted == "busy"), "who is busy is due still"
    kept = ("marking", "path", "checksum", "etag", "reason", "status_code", "mime_type", "updated_at")
    assert [getattr(now, name) for name in kept] == [getattr(before, name) for name in kept]
    assert (museum.settings.home / "archive" / (row.path or "")).read_bytes() == OLD
    assert (museum.settings.home / "cache" / "small" / (row.path or "")).exists()
    assert not list((museum.settings.originals_dir / "museum" / ".incoming").iterdir())
    origin.serve("/0.jpg", Content(OLD, etag='"v1"'))
    assert await refresh(museum) == {"asked": 1, "unchanged": 1}
    assert (await one(museum, row)).source_reason is None


async def test_old_files_stay_when_the_archive_does_not_take_the_new_one(museum: Museum, origin: Origin) -> None:
    (row,) = await ingest(museum, origin, Content(OLD, etag='"v1"'))
    thumb = museum.settings.home / "cache" / "small" / (row.path or "")
    before = thumb.read_bytes()
    origin.serve("/0.jpg", Content(NEW, "image/png", etag='"v2"'))
    archived = museum.settings.home / "archive" / (row.path or "")
    archived.unlink()
    archived.mkdir()
    (archived / "in the way").touch()
    with pytest.raises(StorageError):
        await refresh(museum)
    assert thumb.read_bytes() == before
    assert (await one(museum, row)).etag == '"v1"'
    (archived / "in the way").unlink()
    archived.rmdir()
    assert await refresh(museum) == {"asked": 1, "changed": 1}
    assert archived.read_bytes() == NEW


async def test_only_what_is_due_and_only_so_many(museum: Museum, origin: Origin) -> None:
    rows = await ingest(museum, origin, *(Content(encoded(quarters(80 + n, 60), "JPEG")) for n in range(5)))
    async with museum.run() as resources:
        assert await resources.read(count_due, "museum", utc_now() - timedelta(days=30)) == 0
        table = table_of(Media)
        await resources.write(lambda c: c.execute(update(table).values(created_at=utc_now() - timedelta(days=31))))
        assert await resources.read(count_due, "museum", utc_now() - timedelta(days=30)) == 5
        assert await resources.read(count_due, "gallery", utc_now()) == 0
    assert await refresh(museum, limit=2) == {"asked": 2, "unchanged": 2}
    async with museum.run() as resources:
        assert await resources.read(count_due, "museum", utc_now() - timedelta(days=30)) == 3
    assert sum(origin.hits[f"/{n}.jpg"] for n in range(5)) == len(rows) + 2


async def test_what_another_run_holds_is_left_to_it(museum: Museum, origin: Origin) -> None:
    rows = await ingest(museum, origin, Content(OLD), Content(OLD))
    async with museum.run() as other:
        lease, table = other.lease(), table_of(Media)
        held = update(table).where(table.c.code == rows[0].code)
        await other.write(lambda c: c.execute(held.values(leased_by=lease.run, leased_until=lease.until)))
        assert await refresh(museum) == {"asked": 1, "unchanged": 1, "busy": 1}


async def test_a_thumb_of_a_preset_that_is_no_more_does_not_show_the_former_picture(
    museum: Museum, origin: Origin
) -> None:
    presets = [PresetSettings(name=name, width=100, height=100) for name in ("small", "tiny", "former")]
    former = Museum(museum.settings, presets)
    (url,) = [origin.serve("/0.jpg", Content(OLD))]
    (row,) = (await former.ingest_urls(url, presets=("small", "former"))).rows
    async with museum.run() as resources:
        del resources.presets["former"]
        origin.serve("/0.jpg", Content(NEW, "image/png"))
        part = await next_part(resources, "museum", utc_now(), after=None)
        assert part is not None
        await refresh_part(resources, part)
        batches = await resources.read(lambda c: c.execute(select(func.max(table_of(Batch).c.id))).scalar_one())
    assert batches == 2
    again = (await museum.ingest_urls(url, presets=("small",))).rows[0]
    assert set(again.thumb_data) == {"small"}
    assert again.code == row.code


async def test_sound_is_refreshed_too(museum: Museum, origin: Origin) -> None:
    sound = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40)
    (row,) = await ingest(museum, origin, Content(sound))
    origin.serve("/0.jpg", Content(sound + b"more"))
    assert await refresh(museum) == {"asked": 1, "changed": 1}
    assert (await one(museum, row)).marking == "archived"
    assert (museum.settings.home / "archive" / (row.path or "")).read_bytes() == sound + b"more"
