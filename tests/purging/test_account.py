"""Deleting a whole account: at once nobody's, then without files and rows, gone when the last webhook is delivered."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, update

from sais.accounts import account_of_key
from sais.catalog.accounts import find_account, get_account, list_accounts
from sais.catalog.bulk import table_of
from sais.client import verify_webhook
from sais.errors import AccountConflict, Unauthorized, UnknownAccount
from sais.pipeline.plan import Order
from sais.purging import Purged, plan_account
from sais_models import Account, Batch, BatchItem, Delivery, DeliveryMarking, Media, Thumb
from sais_models.columns import utc_now
from tests.purging.conftest import all_files, delete_account, pictures
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.replies import Status
from tests.support.rows import table_rows


async def test_nothing_is_left_once_the_client_was_told(museum: Museum, origin: Origin) -> None:
    others = await museum.ingest_urls(*pictures(origin, "c"))
    async with museum.run() as resources:
        gallery = await museum.set_up(resources, root="gallery", mediaCallbackUrl=origin.url("/gallery"))
        order = Order("gallery", urls=[*pictures(origin, "a", "b"), "ftp://a.example/x"])
        worked = await museum.ingest(resources, order)
        await resources.archive.write("gallery/00/orphan.jpg", b"orphan", "image/jpeg")
        await resources.cache.write("medium/gallery/00/orphan.jpg", b"orphan", "image/jpeg")

        plan = await resources.read(plan_account, "gallery")
        assert (plan.media, plan.batches, plan.size) == (2, 1, sum(row.size or 0 for row in worked.rows))
        purged, end = await delete_account(resources, "gallery")
        assert purged == Purged(deleted=2)
        assert end is not None
        assert (end.swept, end.buried, end.waiting) == (2, False, 2)
        kept = others.rows[0].code or ""
        left = await all_files(resources)
        assert (len(left), all(kept in path for path in left)) == (4, True)
        assert [table_rows(resources.engine, model) for model in (Media, Batch, BatchItem)] == [1, 1, 1]

        assert (await resources.mailing.deliver_due())["delivered"] == 2
        assert table_rows(resources.engine, Account) == 1
        assert table_rows(resources.engine, Delivery) == 1, "the other account's"
    posts = [post for post in origin.posts if post.path == "/gallery"]
    bodies = [verify_webhook(post.body, post.headers, gallery.webhook_secret or "") for post in posts[-2:]]
    assert {(body["code"], body["marking"]) for body in bodies} == {(row.code, "deleted") for row in worked.rows[:2]}


async def test_from_the_first_moment_the_account_is_nobodys(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        gallery = await museum.set_up(resources, root="gallery", mediaCallbackUrl=origin.url("/gallery"))
        await museum.ingest(resources, Order("gallery", urls=pictures(origin, "a")))
        await delete_account(resources, "gallery")
        with pytest.raises(Unauthorized):
            await resources.read(account_of_key, gallery.api_key)
        with pytest.raises(UnknownAccount):
            await resources.read(get_account, "gallery")
        with pytest.raises(AccountConflict, match="is being deleted"):
            await museum.set_up(resources, root="gallery")
        assert [account.root for account in await resources.read(list_accounts)] == ["museum"]
        await resources.mailing.deliver_due()
        assert (await museum.set_up(resources, root="gallery")).api_key != gallery.api_key


async def test_without_a_callback_it_is_gone_at_once(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        await museum.set_up(resources, root="gallery")
        await museum.ingest(resources, Order("gallery", urls=pictures(origin, "a")))
        _, end = await delete_account(resources, "gallery")
        assert end is not None
        assert (end.buried, await resources.read(find_account, "gallery")) == (True, None)
        with pytest.raises(UnknownAccount):
            await delete_account(resources, "gallery")


async def test_one_post_for_many_where_the_account_wants_that(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        gallery = await museum.set_up(
            resources, root="gallery", mediaCallbackUrl=origin.url("/gallery"), callbackMode="batch"
        )
        await museum.ingest(resources, Order("gallery", urls=pictures(origin, "a", "b")))
        await delete_account(resources, "gallery")
        await resources.mailing.deliver_due()
        post = [post for post in origin.posts if post.path == "/gallery"][-1]
        body = verify_webhook(post.body, post.headers, gallery.webhook_secret or "")
    assert (body["batch"], [media["marking"] for media in body["media"]]) == (None, ["deleted", "deleted"])


async def test_what_a_run_holds_keeps_the_account_until_it_is_asked_again(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        await museum.set_up(resources, root="gallery")
        await museum.ingest(resources, Order("gallery", urls=pictures(origin, "a", "b")))
        await resources.write(lease_all, timedelta(minutes=5))
        assert await delete_account(resources, "gallery") == (Purged(busy=2), None)
        await resources.write(lease_all, timedelta(minutes=-5))
        purged, end = await delete_account(resources, "gallery")
        assert (purged.deleted, end and end.buried) == (2, True)
        assert table_rows(resources.engine, Thumb) == 0


def lease_all(connection: Connection, ahead: timedelta) -> None:
    values = {"leased_by": "another run", "leased_until": utc_now() + ahead}
    connection.execute(update(table_of(Media)).values(values))


async def test_dead_webhooks_are_given_up_when_it_is_asked_again(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        await museum.set_up(resources, root="gallery", mediaCallbackUrl=origin.url("/gallery"))
        await museum.ingest(resources, Order("gallery", urls=pictures(origin, "a")))
        origin.serve("/gallery", Status(410))
        await delete_account(resources, "gallery")
        await resources.mailing.deliver_due()
        _, end = await delete_account(resources, "gallery")
        assert end is not None
        assert end.buried
        assert await resources.read(find_account, "gallery") is None


async def test_a_dead_webhook_alone_keeps_the_account(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        await museum.set_up(resources, root="gallery", mediaCallbackUrl=origin.url("/gallery"))
        await museum.ingest(resources, Order("gallery", urls=pictures(origin, "a")))
        origin.serve("/gallery", Status(410))
        await delete_account(resources, "gallery")
        assert (await resources.mailing.deliver_due())[DeliveryMarking.DEAD] == 1
        account = await resources.read(find_account, "gallery")
        assert account is not None, "its webhook can still be replayed"
