"""What a run is asked for: clear errors before anything is written, chunks by count and bytes, batches that resume."""

import asyncio
import csv
import json
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from sais.catalog.batches import add_batch
from sais.catalog.bulk import insert_new, new_row
from sais.errors import EmptyBatch, InputError, ManifestError, UnknownAccount, UnknownPreset
from sais.pipeline.plan import ASSUMED_BYTES, Order, cut, plan_batch
from sais_models import Batch, BatchItem
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content
from tests.support.waiting import wait_for

JPEG = encoded(quarters(), "JPEG")


def count(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())


@pytest.mark.parametrize(
    ("order", "error", "field", "words"),
    [
        (Order("nobody", urls=["http://a.example/"]), UnknownAccount, "account", "nobody"),
        (Order("museum"), EmptyBatch, "urls", "urls, a manifest"),
        (Order("museum", urls=[]), EmptyBatch, "urls", "nothing to do"),
        (Order("museum", urls=["http://a.example/"], batch=1), InputError, "batch", "one of urls and batch"),
        (Order("museum", batch=99), InputError, "batch", "no batch 99"),
        (Order("museum", urls=["http://a.example/"], presets=["vast"]), UnknownPreset, "filters", "tiny, small"),
        (Order("museum", manifest="/nowhere.csv"), ManifestError, "manifest", "nowhere.csv"),
    ],
)
async def test_bad_orders_are_refused_by_the_field_and_leave_nothing(
    museum: Museum, order: Order, error: type[InputError], field: str, words: str
) -> None:
    async with museum.run() as resources:
        with pytest.raises(error, match=words) as caught:
            await plan_batch(resources, order)
        assert caught.value.field == field
        for table in ("batch", "batch_item", "media"):
            assert await resources.read(count, table) == 0


async def test_a_manifest_without_a_column_of_urls_leaves_nothing(museum: Museum, tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("title,price\nVase,3\n")
    async with museum.run() as resources:
        with pytest.raises(ManifestError, match="title, price"):
            await plan_batch(resources, Order("museum", manifest=str(manifest)))
        assert await resources.read(count, "batch") == 0


async def test_another_accounts_batch_is_refused(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        await museum.set_up(resources, root="gallery")
        plan = await plan_batch(resources, Order("gallery", urls=["http://a.example/1.jpg"]))
        with pytest.raises(InputError, match="another account"):
            await plan_batch(resources, Order("museum", batch=plan.batch.id))


async def test_a_manifest_becomes_items_with_their_context(museum: Museum, origin: Origin, tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    with manifest.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image_url", "title"])
        writer.writerow([origin.serve("/one.jpg", Content(JPEG)), "Vase, blue"])
        writer.writerow(["", "no address"])
    async with museum.run() as resources:
        worked = await museum.ingest(resources, Order("museum", manifest=str(manifest)))
    assert [row.marking for row in worked.rows] == ["resized", "rejected"]
    assert worked.rows[0].context == {"title": "Vase, blue"}


async def test_a_manifest_that_was_half_in_goes_on_where_it_stopped(museum: Museum, tmp_path: Path) -> None:
    manifest = tmp_path / "list.jsonl"
    addresses = [f"http://10.0.0.1/{n}.jpg" for n in range(20)]
    manifest.write_text("".join(json.dumps({"url": url}) + "\n" for url in addresses))

    def half_filled(connection: Connection) -> Batch:
        batch = add_batch(connection, root="museum", presets=["tiny"], manifest=str(manifest), submitted=12)
        rows = [new_row(BatchItem, batch_id=batch.id, position=n, marking="rejected", reason="seen") for n in range(12)]
        insert_new(connection, BatchItem, rows)
        return batch

    async with museum.run() as resources:
        batch = await resources.write(half_filled)
        worked = await museum.ingest(resources, Order("museum", batch=batch.id))
    assert [row.reason for row in worked.rows] == ["seen"] * 12 + ["refused_host"] * 8
    assert worked.status.settled


async def test_a_run_that_is_tried_again_finds_its_own_batch(museum: Museum) -> None:
    async with museum.run() as resources:
        order = Order("museum", urls=["http://a.example/1.jpg"])
        first, second = await plan_batch(resources, order), await plan_batch(resources, order)
        assert first == second
        assert await resources.read(count, "batch") == 1


async def test_imaging_workers_are_started_by_a_batch_that_has_images_to_make(museum: Museum) -> None:
    def are_there() -> bool:
        return any("sais.imaging.worker" in child.cmdline() for child in psutil.Process().children())

    async with museum.run() as resources:
        await plan_batch(resources, Order("museum", urls=["http://a.example/1"]))
        await asyncio.to_thread(wait_for, are_there, "imaging workers")


@pytest.mark.parametrize(
    ("images", "chunks"),
    [(1, [1]), (16, [16]), (17, [16, 1]), (144, [16, 128]), (1000, [16, 128, 500, 356])],
)
async def test_chunks_begin_small_so_that_the_first_thumbs_are_soon_made(
    museum: Museum, images: int, chunks: list[int]
) -> None:
    async with museum.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=[f"http://a.example/{n}" for n in range(images)]))
    assert [chunk.images for chunk in plan.chunks] == chunks


async def test_a_batch_of_several_pages_is_cut_whole(either_museum: Museum, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sais.pipeline.plan.ROWS_AT_ONCE", 3)
    async with either_museum.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=[f"http://a.example/{n}" for n in range(20)]))
    assert [(chunk.first, chunk.last, chunk.images) for chunk in plan.chunks] == [(0, 15, 16), (16, 19, 4)]


@given(
    sizes=st.lists(st.none() | st.integers(0, 400_000_000), max_size=60),
    images=st.integers(1, 10),
    size=st.integers(1, 500_000_000),
)
def test_every_image_is_in_one_chunk_and_none_is_too_large(sizes: list[int | None], images: int, size: int) -> None:
    pending = list(enumerate(sizes))
    chunks = list(cut(pending, root="abc", batch=1, images=images, size=size))
    covered = [position for chunk in chunks for position in range(chunk.first, chunk.last + 1)]
    assert covered == [position for position, _ in pending]
    assert [chunk.no for chunk in chunks] == list(range(1, len(chunks) + 1))
    for chunk in chunks:
        weights = [ASSUMED_BYTES if sizes[p] is None else sizes[p] or 0 for p in range(chunk.first, chunk.last + 1)]
        assert (chunk.images, chunk.size) == (len(weights), sum(weights))
        assert chunk.images <= images
        assert chunk.size <= size or chunk.images == 1
