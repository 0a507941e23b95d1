"""Deleting media: files and rows go, the client is told, and nothing else changes."""

from datetime import timedelta

from sqlalchemy import Connection, select, update
from sqlmodel import col

from sais.catalog.accounts import change_account
from sais.catalog.bulk import table_of
from sais.catalog.media import find_media
from sais.catalog.rows import all_rows
from sais.client import verify_webhook
from sais.pipeline.plan import Order, plan_batch
from sais.purging import Purged, plan_account, plan_media
from sais.reading import batch_rows, batch_status
from sais_models import Account, Delivery, DeliveryMarking, Media, Thumb
from sais_models.columns import utc_now
from tests.purging.conftest import all_files, delete_media, pictures, purge_of
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.replies import Status
from tests.support.rows import table_rows


def secret(connection: Connection) -> str:
    return str(connection.execute(select(col(Account.webhook_secret))).scalar_one())


async def test_files_and_rows_go_and_the_client_is_told(museum: Museum, origin: Origin) -> None:
    worked = await museum.ingest_urls(*pictures(origin, "one", "two"), presets=["small", "tiny"])
    gone, kept = worked.rows
    assert gone.code
    assert kept.code
    async with museum.run() as resources:
        await resources.write(set_context, gone.code)
        before = await all_files(resources)
        (plan,) = await resources.read(plan_media, [gone.code])
        assert (plan.media, plan.size, plan.thumbs, plan.busy) == (1, gone.size, 2, 0)
        assert await delete_media(resources, [gone.code]) == Purged(deleted=1)
        left = [path for path in before if gone.code not in path]
        assert (await all_files(resources), len(before), len(left)) == (left, 8, 4)
        assert set(await resources.read(find_media, [gone.code, kept.code])) == {kept.code}
        assert table_rows(resources.engine, Thumb) == 2
        assert (await resources.mailing.deliver_due())["delivered"] == 1
        posts = origin.wait_for_posts(3)
        body = verify_webhook(posts[-1].body, posts[-1].headers, await resources.read(secret))
    assert body == {
        "code": gone.code,
        "marking": "deleted",
        "root": "museum",
        "path": gone.path,
        "originalUrl": gone.original_url,
        "thumbData": {},
        "context": {"objId": 7},
        "blur": gone.blur,
        "mimeType": "image/jpeg",
        "size": gone.size,
        "originalWidth": gone.original_width,
        "originalHeight": gone.original_height,
        "statusCode": 200,
        "reason": None,
    }


def set_context(connection: Connection, code: str) -> None:
    connection.execute(update(table_of(Media)).where(col(Media.code) == code).values(context={"objId": 7}))


async def test_the_sums_of_its_batch_stay_right(museum: Museum, origin: Origin) -> None:
    worked = await museum.ingest_urls(*pictures(origin, "one"), "ftp://a.example/x")
    async with museum.run() as resources:
        await delete_media(resources, [worked.rows[0].code or ""])
        assert await resources.read(batch_status, worked.status.id) == worked.status
        row, _ = await resources.read(batch_rows, worked.plan.batch, public_url="http://gateway")
    assert (row.code, row.original_url, row.marking, row.context) == (None, "", "done", {})


async def test_an_item_that_was_pending_has_failed_as_deleted(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=pictures(origin, "one")))
        (row,) = await resources.read(batch_rows, plan.batch, public_url="http://gateway")
        assert await delete_media(resources, [row.code or ""]) == Purged(deleted=1)
        status = await resources.read(batch_status, plan.batch.id or 0)
    assert (status.settled, status.failed, status.reasons) == (True, 1, {"deleted": 1})
    assert origin.hits["/one.jpg"] == 0


async def test_a_batch_that_settles_by_it_is_told_of_its_end(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        await resources.write(call_for_sums, origin.url("/summaries"))
        plan = await plan_batch(resources, Order("museum", urls=pictures(origin, "one", "two")))
        first, second = await resources.read(batch_rows, plan.batch, public_url="http://gateway")
        await delete_media(resources, [first.code or ""])
        await resources.mailing.deliver_due()
        assert [post.path for post in origin.posts if post.path == "/summaries"] == [], "one image waits still"
        await delete_media(resources, [second.code or ""])
        await resources.mailing.deliver_due()
        status = await resources.read(batch_status, plan.batch.id or 0)
        secret_of_account = await resources.read(secret)
    [told] = [post for post in origin.posts if post.path == "/summaries"]
    assert verify_webhook(told.body, told.headers, secret_of_account) == status.model_dump(mode="json", by_alias=True)
    assert (status.marking, status.failed) == ("settled", 2)


def call_for_sums(connection: Connection, url: str) -> None:
    change_account(connection, "museum", batch_callback_url=url)


def call_for_thumbs(connection: Connection, url: str) -> None:
    change_account(connection, "museum", thumb_callback_url=url)


async def test_what_was_still_to_be_said_of_it_is_not_said(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        await resources.write(call_for_thumbs, origin.url("/thumbs"))
    origin.serve("/hook", Status(503), Status(200))
    origin.serve("/thumbs", Status(503), Status(200))
    worked = await museum.ingest_urls(*pictures(origin, "one"), presets=["small"])
    async with museum.run() as resources:
        assert table_rows(resources.engine, Delivery) == 2
        await delete_media(resources, [worked.rows[0].code or ""])
        waiting = await resources.read(outbox)
    assert [(delivery.batch_id, '"deleted"' in delivery.body) for delivery in waiting] == [(None, True)]


def outbox(connection: Connection) -> list[Delivery]:
    pending = select(table_of(Delivery)).where(col(Delivery.marking) == DeliveryMarking.PENDING)
    return all_rows(connection, Delivery, pending)


async def test_what_a_run_holds_is_left_until_it_is_free(museum: Museum, origin: Origin) -> None:
    worked = await museum.ingest_urls(*pictures(origin, "one", "two"))
    codes = [row.code or "" for row in worked.rows]
    async with museum.run() as resources:
        before = await all_files(resources)
        await resources.write(lease, codes[0], timedelta(minutes=5))
        assert (await resources.read(plan_account, "museum")).busy == 1
        assert await delete_media(resources, codes) == Purged(deleted=1, busy=1)
        assert await all_files(resources) == [path for path in before if codes[1] not in path]
        await resources.write(lease, codes[0], timedelta(minutes=-5))
        assert await delete_media(resources, codes) == Purged(deleted=1, unknown=[codes[1]])
        assert await all_files(resources) == []


def lease(connection: Connection, code: str, ahead: timedelta) -> None:
    values = {"leased_by": "another run", "leased_until": utc_now() + ahead}
    connection.execute(update(table_of(Media)).where(col(Media.code) == code).values(values))


async def test_files_that_another_media_has_too_stay(museum: Museum, origin: Origin) -> None:
    worked = await museum.ingest_urls(*pictures(origin, "one", "two"))
    one, two = worked.rows
    async with museum.run() as resources:
        await resources.write(share_path, two.code or "", one.path or "")
        before = await all_files(resources)
        await delete_media(resources, [one.code or ""])
        assert await all_files(resources) == before
        await delete_media(resources, [two.code or ""])
        assert not [path for path in await all_files(resources) if (one.path or "") in path]


def share_path(connection: Connection, code: str, path: str) -> None:
    connection.execute(update(table_of(Media)).where(col(Media.code) == code).values(path=path))


async def test_a_purge_that_stopped_between_files_and_rows_goes_on(museum: Museum, origin: Origin) -> None:
    worked = await museum.ingest_urls(*pictures(origin, "one"))
    code = worked.rows[0].code or ""
    async with museum.run() as resources:
        # What a killed purge leaves: its lease, and no files.
        await resources.write(left_by_purge, code)
        for path in await all_files(resources):
            place, _, rest = path.partition("/")
            if place == "originals":
                (resources.settings.originals_dir / rest).unlink()
            else:
                await getattr(resources, place).delete(rest)
        assert await delete_media(resources, [code]) == Purged(deleted=1)
        assert await resources.read(find_media, [code]) == {}


def left_by_purge(connection: Connection, code: str) -> None:
    values = {"leased_by": "purge:museum", "leased_until": utc_now() + timedelta(minutes=5)}
    connection.execute(update(table_of(Media)).where(col(Media.code) == code).values(values))


async def test_media_of_another_account_are_unknown(museum: Museum, origin: Origin) -> None:
    worked = await museum.ingest_urls(*pictures(origin, "one"))
    code = worked.rows[0].code or ""
    async with museum.run() as resources:
        await museum.set_up(resources, root="gallery")
        assert await purge_of(resources, "gallery").piece([code]) == Purged(unknown=[code])
        assert set(await resources.read(find_media, [code])) == {code}
