"""A receiver that is dead or slow is asked less and less, costs the others nothing, and comes back by itself."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, and_, func, select, update
from sqlmodel import col

from sais.catalog import deliveries
from sais.catalog.bulk import new_row, table_of
from sais.catalog.receivers import Address, dead_receivers, due_receivers, find_receiver, next_due
from sais.catalog.rows import all_rows
from sais.pipeline.notify import notify_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resources import Resources
from sais.settings import Settings
from sais.webhooks.attempts import PAUSED_AFTER
from sais.webhooks.sending import CLAIMED_TOGETHER, RECEIVER_CONCURRENCY, Scope
from sais_models import Batch, Delivery, DeliveryKind, DeliveryMarking, Receiver
from sais_models.columns import utc_now
from sais_models.receiver import DEAD_AFTER
from tests.support.batches import Museum
from tests.support.databases import BOTH, database_url_for
from tests.support.origin import Origin
from tests.support.replies import Hang, Status

MANY = 3 * CLAIMED_TOGETHER


@pytest.fixture
def alive() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def broken() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture(params=BOTH)
def museum(request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Museum:
    url = database_url_for(request, tmp_path_factory)
    return Museum(settings.model_copy(update={"database_url": url, "notify_seconds": 0}))


def put_in(connection: Connection, /, url: str, count: int, batch_id: int = 1, **values: object) -> None:
    """`count` deliveries for `url` in the outbox; all to one receiver."""
    if connection.execute(select(col(Batch.id)).where(col(Batch.id) == batch_id)).first() is None:
        connection.execute(table_of(Batch).insert(), [new_row(Batch, id=batch_id, root="museum", presets=[])])
    receiver = url.rpartition("/")[0]
    fixed = {"root": "museum", "batch_id": batch_id, "kind": DeliveryKind.MEDIA, "url": url, "receiver": receiver}
    rows = [
        new_row(Delivery, **{**fixed, "id": f"{url} {n}", "subject": f"{receiver[-5:]}-{n}", "body": "{}", **values})
        for n in range(count)
    ]
    deliveries.add_deliveries(connection, rows)


def place_of(origin: Origin) -> Address:
    return Address("museum", origin.url(""))


def pause_ends(connection: Connection, place: Address) -> None:
    connection.execute(
        update(table_of(Receiver)).where(col(Receiver.address) == place.address).values(paused_until=utc_now())
    )


def count(connection: Connection, origin: Origin) -> dict[str, int]:
    rows = all_rows(connection, Delivery, select(table_of(Delivery)).where(col(Delivery.receiver) == origin.url("")))
    return {str(m): n for m in DeliveryMarking if (n := sum(row.marking == m for row in rows))}


def count_held(connection: Connection) -> int:
    """Of what is to be sent, how many a sender has claimed."""
    held = and_(col(Delivery.marking) == DeliveryMarking.PENDING, col(Delivery.due_at) > utc_now())
    return connection.execute(select(func.count()).select_from(table_of(Delivery)).where(held)).scalar_one()


async def state_of(resources: Resources, origin: Origin) -> Receiver:
    receiver = await resources.read(find_receiver, place_of(origin))
    assert receiver is not None
    return receiver


async def test_a_dead_receiver_gets_a_few_and_the_others_all(museum: Museum, alive: Origin, broken: Origin) -> None:
    broken.serve("/hook", Status(503))
    async with museum.run() as resources:
        await resources.write(put_in, broken.url("/hook"), MANY)
        await resources.write(put_in, alive.url("/hook"), MANY)
        sent = await resources.mailing.deliver_due()
        assert await resources.read(count, alive) == {"delivered": MANY}
        assert await resources.read(count, broken) == {"pending": MANY}
        assert sent["delivered"] == MANY
        assert PAUSED_AFTER <= len(broken.posts) < PAUSED_AFTER + RECEIVER_CONCURRENCY
        assert await resources.read(due_receivers) == [], "it is paused, though most of its webhooks are due"
        assert await resources.mailing.deliver_due() == {"pending": 0, "delivered": 0, "dead": 0}


async def test_after_a_pause_one_goes_and_all_when_that_was_taken(museum: Museum, broken: Origin) -> None:
    broken.serve("/hook", Status(503))
    async with museum.run() as resources:
        await resources.write(put_in, broken.url("/hook"), MANY)
        await resources.mailing.deliver_due()
        first = await state_of(resources, broken)
        before = len(broken.posts)
        await resources.write(pause_ends, place_of(broken))
        await resources.mailing.deliver_due()
        assert len(broken.posts) == before + 1, "one probe, no more"
        second = await state_of(resources, broken)
        assert (first.pauses, second.pauses, second.reason) == (1, 2, "http_503")
        assert second.paused_until is not None
        assert second.paused_until - utc_now() > timedelta(seconds=20), "longer than the first pause"
        broken.serve("/hook", Status(200))
        await resources.write(pause_ends, place_of(broken))
        await resources.mailing.deliver_due()
        third = await state_of(resources, broken)
        assert (third.failures, third.pauses, third.paused_until) == (0, 0, None)
        tried_before = before + 1
        assert await resources.read(count, broken) == {"delivered": MANY - tried_before, "pending": tried_before}


async def test_only_one_sender_probes(museum: Museum, broken: Origin) -> None:
    broken.serve("/hook", Status(503))
    async with museum.run() as resources:
        await resources.write(put_in, broken.url("/hook"), MANY)
        await resources.mailing.deliver_due()
        before = len(broken.posts)
        await resources.write(pause_ends, place_of(broken))
        broken.hold()
        sending = [asyncio.create_task(resources.mailing.deliver_due()) for _ in range(4)]
        await asyncio.to_thread(broken.wait_inside, 1)
        await asyncio.wait(sending, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert len(broken.posts) == before + 1
        broken.release()
        await asyncio.gather(*sending)


async def test_senders_side_by_side_send_everything_once(museum: Museum, alive: Origin) -> None:
    async with museum.run() as resources:
        await resources.write(put_in, alive.url("/hook"), MANY)
        sent = await asyncio.gather(*(resources.mailing.deliver_due() for _ in range(4)))
        assert sum(tally["delivered"] for tally in sent) == MANY
        assert len(alive.posts) == MANY


async def test_what_waited_a_day_is_dead_and_a_replay_begins_anew(museum: Museum, broken: Origin) -> None:
    broken.serve("/hook", Status(503))
    async with museum.run() as resources:
        await resources.write(put_in, broken.url("/hook"), MANY, expires_at=utc_now())
        await resources.mailing.deliver_due()
        assert await resources.read(count, broken) == {"dead": MANY}
        broken.serve("/hook", Status(200))
        which = deliveries.Which(root="museum", receiver=broken.url(""))
        assert await resources.write(deliveries.replay_dead, which) == MANY
        await resources.mailing.deliver_due()
        assert await resources.read(count, broken) == {"delivered": MANY}, "the replay ended the pause too"


async def test_a_receiver_is_dead_after_some_pauses_and_told_once(museum: Museum, broken: Origin) -> None:
    broken.serve("/hook", Status(503))
    async with museum.run() as resources:
        await resources.write(put_in, broken.url("/hook"), MANY)
        for _ in range(DEAD_AFTER):
            assert await resources.read(dead_receivers) == []
            await resources.mailing.deliver_due()
            await resources.write(pause_ends, place_of(broken))
        assert [receiver.address for receiver in await resources.read(dead_receivers)] == [broken.url("")]
        assert [receiver.reason for receiver in await resources.mailing.newly_dead()] == ["http_503"]
        assert await resources.mailing.newly_dead() == []


async def test_a_batch_waits_for_the_pause_of_its_receiver(museum: Museum, broken: Origin) -> None:
    """Otherwise a run that waits for its webhooks would ask again ten times a second."""

    broken.serve("/hook", Status(503))
    async with museum.run() as resources:
        await resources.write(put_in, broken.url("/hook"), MANY)
        await resources.mailing.deliver_due()
        due = await resources.read(next_due, 1)
        assert due is not None
        assert due > utc_now()


async def test_a_sender_that_lost_its_hold_changes_nothing(museum: Museum, alive: Origin) -> None:
    place = place_of(alive)
    async with museum.run() as resources:
        await resources.write(put_in, alive.url("/hook"), 1)
        first, second = utc_now() - timedelta(seconds=1), utc_now() + timedelta(minutes=2)
        (mine,) = await resources.write(deliveries.claim_due, place, hold_until=first, limit=1)
        (theirs,) = await resources.write(deliveries.claim_due, place, hold_until=second, limit=1)
        assert mine.id == theirs.id
        failed = {"id": mine.id, "marking": DeliveryMarking.DEAD, "attempts": 11, "due_at": utc_now()}
        row = {**failed, "status_code": 500, "reason": "http_500", "delivered_at": None}
        await resources.write(deliveries.save_attempts, [row], held_until=first)
        await resources.write(deliveries.give_back, [mine.id], held_until=first)
        assert await resources.read(count, alive) == {"pending": 1}
        assert await resources.read(due_receivers) == [], "it is still the second sender's"


@pytest.mark.parametrize(("quick", "next_claim"), [(60.0, 2 * CLAIMED_TOGETHER), (0.0, CLAIMED_TOGETHER)])
async def test_a_receiver_that_takes_all_quickly_gets_larger_claims(
    museum: Museum, alive: Origin, monkeypatch: pytest.MonkeyPatch, quick: float, next_claim: int
) -> None:
    monkeypatch.setattr("sais.webhooks.sending.QUICK_SECONDS", quick)
    alive.serve("/later", Hang())
    async with museum.run() as resources:
        await resources.write(put_in, alive.url("/hook"), CLAIMED_TOGETHER)
        await resources.write(put_in, alive.url("/later"), MANY, batch_id=2)
        sending = asyncio.create_task(resources.mailing.deliver_due())
        await asyncio.to_thread(alive.wait_for_posts, CLAIMED_TOGETHER + 1)
        assert await resources.read(count_held) == next_claim
        sending.cancel()
        await asyncio.wait([sending])
        assert await resources.read(count_held) == 0, "what was not sent is given back"


async def test_a_chunk_begins_nothing_new_when_its_time_is_over(museum: Museum, alive: Origin) -> None:
    async with museum.run() as resources:
        plan = await plan_batch(resources, Order("museum", urls=["http://127.0.0.1:9/a.jpg"]))
        batch_id = plan.batch.id or 0
        await resources.write(put_in, alive.url("/hook"), MANY, batch_id)
        await notify_chunk(resources, plan.chunks[0])
        assert alive.posts == []
        await resources.mailing.deliver_due(Scope(batch_id=batch_id))
        assert len(alive.posts) == MANY


async def test_a_sender_that_is_stopped_gives_back_what_it_has_not_sent(museum: Museum, alive: Origin) -> None:
    alive.hold()
    async with museum.run() as resources:
        await resources.write(put_in, alive.url("/hook"), MANY)
        sending = asyncio.create_task(resources.mailing.deliver_due())
        await asyncio.to_thread(alive.wait_inside, 1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert await resources.read(due_receivers) == [place_of(alive)]
        alive.release()
        await resources.mailing.deliver_due()
        assert await resources.read(count, alive) == {"delivered": MANY}


async def test_only_one_account_or_one_batch(museum: Museum, alive: Origin) -> None:
    async with museum.run() as resources:
        await resources.write(put_in, alive.url("/hook"), 2)
        await resources.mailing.deliver_due(Scope(root="gallery"))
        await resources.mailing.deliver_due(Scope(batch_id=2))
        assert alive.posts == []
        await resources.mailing.deliver_due(Scope(root="museum", batch_id=1))
        assert len(alive.posts) == 2
