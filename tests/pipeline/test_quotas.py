"""Limits of an account, on both databases: what is over is told, and loses nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, update

from sais.catalog.accounts import get_account
from sais.catalog.bulk import table_of
from sais.catalog.usage import add_bytes, bytes_of_day
from sais.dispatch import Submitted
from sais.errors import DayIsSpent, InputError, QueueFull
from sais.pipeline.day_budget import DayBudget, until_tomorrow
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resources import Resources
from sais.quotas import Limits, set_limits, usage_of
from sais.submission import Submission, submit
from sais_models import Account, DayUsage
from sais_models.columns import utc_now
from sais_models.wire import AccountUsage
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Status

JPEG = encoded(quarters(), "JPEG")


async def limit(resources: Resources, **limits: int) -> None:
    await resources.write(set_limits, "museum", Limits(**limits))


def send(connection: Connection, resources: Resources, *urls: str) -> Submission:
    account: Account = get_account(connection, "museum")
    return submit(connection, account, [Submitted(url) for url in urls], guard=resources.guard)


def url(number: int) -> str:
    return f"https://photos.example/{number}.jpg"


async def test_images_over_the_limit_are_rejected_and_the_others_taken(either_museum: Museum, origin: Origin) -> None:
    urls = [origin.serve(f"/{n}.jpg", Content(JPEG)) for n in range(4)]
    async with either_museum.run() as resources:
        await limit(resources, images=2)
        worked = await either_museum.ingest(resources, Order("museum", urls=[urls[0], urls[0], *urls[1:]]))
        assert [(row.marking, row.reason) for row in worked.rows] == [
            ("resized", None),
            ("resized", None),
            ("resized", None),
            ("rejected", "quota_images"),
            ("rejected", "quota_images"),
        ]
        sums = worked.status
        assert (sums.submitted, sums.accepted, sums.rejected, sums.settled) == (5, 3, 2, True)
        again = await either_museum.ingest_urls(*urls[:3])
        assert [row.marking for row in again.rows] == ["resized", "resized", "rejected"], "what it has it may send"
        await limit(resources, images=3)
        raised = await either_museum.ingest_urls(*urls)
        assert [row.marking for row in raised.rows] == ["resized"] * 3 + ["rejected"]


async def test_a_request_that_would_overfill_the_queue_leaves_nothing(either_museum: Museum) -> None:
    async with either_museum.run() as resources:
        await limit(resources, queued=3)
        await resources.write(send, resources, url(1), url(2))
        with pytest.raises(QueueFull, match="2 images wait already, and 3 may") as caught:
            await resources.write(send, resources, url(3), url(4))
        assert caught.value.retry_after > 0
        assert await resources.read(usage_of, "museum") == usage(images=2, queued=2)
        await resources.write(send, resources, url(3))
        assert await resources.read(usage_of, "museum") == usage(images=3, queued=3)


async def test_a_request_that_can_never_fit_is_told_so(either_museum: Museum) -> None:
    async with either_museum.run() as resources:
        await limit(resources, queued=1)
        with pytest.raises(InputError, match="1 may at once; send fewer") as caught:
            await resources.write(send, resources, url(1), url(2))
        assert not isinstance(caught.value, QueueFull)
        assert await resources.read(usage_of, "museum") == usage()


async def test_lines_of_a_manifest_over_the_queue_are_rejected(either_museum: Museum, origin: Origin) -> None:
    urls = [origin.serve(f"/{n}.jpg", Content(JPEG)) for n in range(5)]
    manifest = either_museum.settings.home / "list.txt"
    manifest.write_text("\n".join(urls))
    async with either_museum.run() as resources:
        await limit(resources, queued=3)
        worked = await either_museum.ingest(resources, Order("museum", manifest=str(manifest)))
        assert worked.status.reasons == {"quota_queued": 2}
        assert (worked.status.submitted, worked.status.done, worked.status.rejected) == (5, 3, 2)
        assert worked.status.settled
        again = await either_museum.ingest_urls(*urls[3:])
        assert again.status.done == 2, "a rejected image may be sent again"


async def test_a_manifest_is_not_taken_when_nothing_more_may_wait(either_museum: Museum) -> None:
    manifest = either_museum.settings.home / "list.txt"
    manifest.write_text(url(9))
    async with either_museum.run() as resources:
        await limit(resources, queued=1)
        await resources.write(send, resources, url(1))
        with pytest.raises(QueueFull):
            await plan_batch(resources, Order("museum", manifest=str(manifest)))


async def test_bytes_over_the_day_fail_without_a_request_and_go_on_tomorrow(
    either_museum: Museum, origin: Origin
) -> None:
    urls = [origin.serve(f"/{n}.jpg", Content(JPEG)) for n in range(3)]
    async with either_museum.run() as resources:
        await limit(resources, bytes_per_day=len(JPEG))
        first = await either_museum.ingest(resources, Order("museum", urls=urls[:1]))
        assert first.status.done == 1
        spent = await either_museum.ingest_urls(*urls)
        assert [(row.marking, row.reason) for row in spent.rows] == [
            ("resized", None),
            ("failed", "quota_bytes"),
            ("failed", "quota_bytes"),
        ]
        assert spent.status.settled, "nothing is left in limbo"
        assert not origin.hits["/1.jpg"] + origin.hits["/2.jpg"]
        assert (await resources.read(usage_of, "museum")).bytes_today == len(JPEG)
        await resources.write(yesterday)
        tomorrow = await either_museum.ingest_urls(*urls[:2])
        assert tomorrow.status.done == 2


def yesterday(connection: Connection) -> None:
    connection.execute(update(table_of(DayUsage)).values(day=utc_now().date() - timedelta(days=1)))


async def test_every_byte_that_came_counts_also_of_what_is_no_image(either_museum: Museum, origin: Origin) -> None:
    page = Content(b"<html>sorry</html>", "text/html")
    urls = [origin.serve("/page", page), origin.serve("/gone", Status(404)), origin.serve("/a.jpg", Content(JPEG))]
    async with either_museum.run() as resources:
        await either_museum.ingest(resources, Order("museum", urls=urls))
        assert (await resources.read(usage_of, "museum")).bytes_today == len(JPEG) + len(page.body)


async def test_bytes_of_runs_that_go_on_at_once_add_up(either_museum: Museum) -> None:
    today = utc_now().date()
    async with either_museum.run() as resources:
        for _ in range(3):
            await resources.write(add_bytes, "museum", today, 2**40)
        assert await resources.read(bytes_of_day, "museum", today) == 3 * 2**40


async def test_a_budget_stops_who_comes_after_it_is_spent() -> None:
    budget = DayBudget(limit=100, spent=30, at_once=1)
    async with budget.turn():
        budget.spend(60)
    async with budget.turn():
        budget.spend(60)
    with pytest.raises(DayIsSpent) as caught:
        async with budget.turn():
            raise AssertionError("nobody comes in here")
    assert (caught.value.reason, caught.value.retryable) == ("quota_bytes", True)
    assert budget.take_unsaved() == 120
    assert budget.take_unsaved() == 0
    budget.see(20)
    async with budget.turn():
        pass


def test_tomorrow_begins_at_midnight_utc() -> None:
    assert until_tomorrow(datetime(2026, 1, 31, 23, 59, 30, tzinfo=UTC)) == 30


async def test_a_limit_of_zero_is_a_limit(either_museum: Museum) -> None:
    async with either_museum.run() as resources:
        await limit(resources, images=0)
        submission = await resources.write(send, resources, url(1))
        assert submission.pending == 0


def usage(images: int = 0, queued: int = 0) -> AccountUsage:
    return AccountUsage(images=images, bytes_today=0, queued=queued)
