"""Webhooks leave the outbox signed, with the same id and body each time, until they arrive or are given up."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows
from sais.client import verify_webhook
from sais.pipeline.plan import Order
from sais.pipeline.resources import Resources
from sais.settings import Settings
from sais.webhooks.attempts import PAUSES, after_failure
from sais_models import Account, Delivery, DeliveryKind, DeliveryMarking
from sais_models.columns import utc_now
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Hang, Status

JPEG = encoded(quarters(), "JPEG")
DAY = 86_400


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def museum(settings: Settings, origin: Origin) -> Museum:
    museum = Museum(settings.model_copy(update={"webhook_seconds": 0.5}))
    museum.callback = origin.url("/hook")
    return museum


def deliveries(connection: Connection) -> list[Delivery]:
    return all_rows(connection, Delivery, select(table_of(Delivery)).order_by(col(Delivery.id)))


def make_due(connection: Connection) -> None:
    connection.execute(update(table_of(Delivery)).values(due_at=utc_now() - timedelta(seconds=1)))


def secret_of(connection: Connection) -> str:
    return str(connection.execute(select(col(Account.webhook_secret))).scalar_one())


async def outbox(resources: Resources) -> list[Delivery]:
    return await resources.read(deliveries)


async def test_id_and_body_stay_the_same_over_retries(museum: Museum, origin: Origin) -> None:
    origin.serve("/hook", Status(500), Status(302, {"Location": "/other"}), Status(200))
    await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    async with museum.run() as resources:
        for expected in ({"pending": 1}, {"delivered": 1}):
            await resources.write(make_due)
            sent = await resources.mailing.deliver_due()
            assert {name: n for name, n in sent.items() if n} == expected
        (delivery,) = await outbox(resources)
        secret = await resources.read(secret_of)
    assert (delivery.marking, delivery.attempts, delivery.status_code) == (DeliveryMarking.DELIVERED, 3, 200)
    posts = origin.wait_for_posts(3)
    assert {post.headers["webhook-id"] for post in posts} == {delivery.id}
    assert {post.body.decode() for post in posts} == {delivery.body}
    for post in posts:
        verify_webhook(post.body, post.headers, secret)
    assert origin.hits["/other"] == 0


@pytest.mark.parametrize(
    ("reply", "reason"), [(Status(503), "http_503"), (Status(404), "http_404"), (Hang(), "timeout")], ids=str
)
async def test_a_failure_is_noted_and_put_off(museum: Museum, origin: Origin, reply: Status, reason: str) -> None:
    origin.serve("/hook", reply)
    before = utc_now()
    await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    async with museum.run() as resources:
        (delivery,) = await outbox(resources)
        assert await resources.mailing.deliver_due() == {"pending": 0, "delivered": 0, "dead": 0}, "it is not due yet"
    assert (delivery.marking, delivery.attempts, delivery.reason) == (DeliveryMarking.PENDING, 1, reason)
    assert delivery.due_at > before + timedelta(seconds=0.8 * PAUSES[0])


async def test_410_switches_the_callback_off(museum: Museum, origin: Origin) -> None:
    origin.serve("/hook", Status(410))
    urls = [origin.serve(f"/{n}.jpg", Content(JPEG)) for n in range(3)]
    await museum.ingest_urls(*urls)
    async with museum.run() as resources:
        assert {d.marking for d in await outbox(resources)} == {DeliveryMarking.DEAD}
    posted = len(origin.posts)
    await museum.ingest_urls(origin.serve("/more.jpg", Content(JPEG)))
    assert len(origin.posts) == posted


async def test_many_in_one_post_when_the_account_asks_for_it(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        account = await museum.set_up(
            resources, root="gallery", mediaCallbackUrl=origin.url("/hook"), callbackMode="batch"
        )
        urls = [origin.serve(f"/{n}.jpg", Content(JPEG)) for n in range(3)]
        await museum.ingest(resources, Order("gallery", urls=urls))
        kinds = [delivery.kind for delivery in await outbox(resources)]
    (post,) = origin.posts
    body = verify_webhook(post.body, post.headers, account.webhook_secret or "")
    assert {media["originalUrl"] for media in body["media"]} == set(urls)
    assert kinds == [DeliveryKind.BATCH]


async def test_the_thumb_callback_gets_one_post_a_thumb(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        account = await museum.set_up(resources, root="gallery", thumbCallbackUrl=origin.url("/thumbs"))
        url = origin.serve("/one.jpg", Content(JPEG))
        worked = await museum.ingest(resources, Order("gallery", urls=[url], presets=["tiny", "small"]))
    bodies = [verify_webhook(p.body, p.headers, account.webhook_secret or "") for p in origin.posts]
    row = worked.rows[0]
    assert sorted(bodies, key=lambda body: str(body["liipCode"])) == [
        {"mediaCode": row.code, "liipCode": name, "url": row.resized[name], "size": row.thumb_data[name].size}
        for name in ("small", "tiny")
    ]


async def test_waiting_for_webhooks_goes_on_until_they_arrived(museum: Museum, origin: Origin) -> None:
    origin.serve("/hook", Status(500), Status(200))
    worked = await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    async with museum.run() as resources:
        await resources.write(make_due)
        assert await resources.mailing.deliver_batch(worked.plan.batch.id or 0) == 0
    assert len(origin.posts) == 2


def unsent() -> Delivery:
    kind = DeliveryKind.MEDIA
    return Delivery(id="msg", root="museum", batch_id=1, kind=kind, subject="", url="", receiver="", body="")


def test_the_pauses_grow_for_a_day_and_then_it_is_dead() -> None:
    delivery = Delivery(
        id="msg", root="museum", batch_id=1, kind=DeliveryKind.MEDIA, subject="", url="", receiver="", body=""
    )
    now, waited = utc_now(), 0.0
    for _ in PAUSES:
        row = after_failure(delivery, now, "http_500")
        assert row["marking"] == DeliveryMarking.PENDING
        waited += (row["due_at"] - now).total_seconds()
        delivery.attempts = row["attempts"]
    assert 0.7 * DAY < waited < 1.3 * DAY
    assert after_failure(delivery, now, "http_500")["marking"] == DeliveryMarking.DEAD


def test_a_receiver_that_asks_for_more_time_gets_it() -> None:
    delivery = Delivery(
        id="msg", root="museum", batch_id=1, kind=DeliveryKind.MEDIA, subject="", url="", receiver="", body=""
    )
    now = utc_now()
    assert after_failure(delivery, now, "http_429", retry_after=900)["due_at"] == now + timedelta(seconds=900)
