"""Sending what is due in the outbox: every receiver for itself, so that a slow or dead one holds nobody else up."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sais.accounts import signing_secrets
from sais.catalog import deliveries, receivers
from sais.catalog.accounts import find_account
from sais.catalog.batches import find_request_ids
from sais.catalog.bulk import Row
from sais.catalog.purging import bury_accounts, deleted_roots
from sais.catalog.receivers import Address
from sais.catalog.threaded import ThreadedDatabase
from sais.fetching import Fetcher
from sais.webhooks.attempts import GONE, PAUSED_AFTER, attempt, receiver_after
from sais.webhooks.signing import signers_of
from sais_models import Delivery, DeliveryMarking
from sais_models.columns import utc_now

RECEIVERS_AT_ONCE = 16
# One receiver gets so many at once, and a claim is a few times that: a sender that is killed holds no more than these.
RECEIVER_CONCURRENCY = 8
CLAIMED_TOGETHER = 32
# From a receiver that took all of a claim this soon twice as many are claimed next, up to so many: two transactions for
# each claim cost as much as 50 deliveries.
QUICK_SECONDS = 1.0
MOST_CLAIMED = 128
# A delivery whose sender died is due again after this long; a sender sends nothing that it holds no longer.
HELD_SECONDS = 120
# How soon a sender at work sees that another receiver has something due.
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Scope:
    """What to send: of one batch, of one account, or all; nothing new is begun after `seconds`."""

    batch_id: int | None = None
    root: str | None = None
    seconds: float = float("inf")


@dataclass(frozen=True)
class Claim:
    """What one sender holds of one receiver, with `secrets` of the account and the requests that made the batches."""

    place: Address
    held_until: datetime
    deliveries: Sequence[Delivery]
    secrets: Sequence[str] = field(repr=False)
    request_ids: Mapping[int, str]
    failures: int


async def send_due(
    database: ThreadedDatabase, fetcher: Fetcher, scope: Scope, *, extra_secrets: Sequence[str] = ()
) -> dict[DeliveryMarking, int]:
    """Sends everything that is due now. Returns how many of what was tried are in which marking after it.

    `pending` counts those whose receiver did not take them: they are due again later. Raises nothing for a receiver.
    """
    sender = _Sender(database, fetcher, scope, extra_secrets)
    await sender.work()
    # Accounts that were only there for the webhooks that have now been delivered.
    if deleted := await database.read(deleted_roots):
        await database.write(bury_accounts, deleted)
    return sender.tally


class _Sender:
    def __init__(
        self, database: ThreadedDatabase, fetcher: Fetcher, scope: Scope, extra_secrets: Sequence[str]
    ) -> None:
        self.tally = dict.fromkeys(DeliveryMarking, 0)
        self._database, self._fetcher, self._scope, self._extra = database, fetcher, scope, extra_secrets
        self._deadline = time.monotonic() + scope.seconds

    async def work(self) -> None:
        """One task a receiver; while some are at work the others are looked at again."""
        busy: dict[Address, asyncio.Task[None]] = {}
        try:
            while True:
                if self._has_time():
                    for place in await self._due():
                        if len(busy) < RECEIVERS_AT_ONCE and place not in busy:
                            busy[place] = asyncio.create_task(self._drain(place))
                if not busy:
                    return
                await asyncio.wait(busy.values(), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for place in [place for place, task in busy.items() if task.done()]:
                    await busy.pop(place)
        finally:
            for task in busy.values():
                task.cancel()
            await asyncio.gather(*busy.values(), return_exceptions=True)

    def _has_time(self) -> bool:
        return time.monotonic() < self._deadline

    async def _due(self) -> list[Address]:
        return await self._database.read(receivers.due_receivers, batch_id=self._scope.batch_id, root=self._scope.root)

    async def _drain(self, place: Address) -> None:
        """Until nothing is due for this receiver, it is paused, or the time is over."""
        most = CLAIMED_TOGETHER
        while self._has_time():
            claim = await self._database.write(_claim, place, self._scope.batch_id, most)
            if not claim.deliveries:
                return
            started = time.monotonic()
            rows: list[Row] = []
            try:
                await self._send(claim, rows)
            finally:
                # A sender that is told to stop keeps nothing: what it has not sent is due at once.
                await self._database.write(_save, claim, rows)
            for row in rows:
                self.tally[row["marking"]] += 1
            if len(claim.deliveries) < most:
                return  # what has become due meanwhile `work` sees
            well = all(row["marking"] == DeliveryMarking.DELIVERED for row in rows)
            quick = well and time.monotonic() - started < QUICK_SECONDS
            most = min(2 * most, MOST_CLAIMED) if quick else CLAIMED_TOGETHER

    async def _send(self, claim: Claim, rows: list[Row]) -> None:
        """Adds to `rows` what was tried, in the order of the answers; after too many failures the rest waits."""
        failures, signers = claim.failures, signers_of((*claim.secrets, *self._extra))
        waiting = iter(claim.deliveries)

        async def send() -> None:
            nonlocal failures
            for delivery in waiting:
                if failures >= PAUSED_AFTER and len(claim.deliveries) > 1:
                    return
                row = await attempt(self._fetcher, delivery, signers, claim.request_ids.get(delivery.batch_id or 0))
                failures = 0 if row["marking"] == DeliveryMarking.DELIVERED else failures + 1
                rows.append(row)

        hold_ends = asyncio.get_running_loop().time() + (claim.held_until - utc_now()).total_seconds()
        # Out of time: another sender may have the rest by now.
        with suppress(TimeoutError):
            async with asyncio.timeout_at(hold_ends):
                senders = (send() for _ in range(RECEIVER_CONCURRENCY))
                for error in await asyncio.gather(*senders, return_exceptions=True):
                    if error is not None:
                        raise error


def _claim(connection: Connection, place: Address, batch_id: int | None, most: int) -> Claim:
    held_until = utc_now() + timedelta(seconds=HELD_SECONDS)
    claimed = deliveries.claim_due(connection, place, hold_until=held_until, limit=most, batch_id=batch_id)
    receiver = receivers.find_receiver(connection, place)
    account = find_account(connection, place.root)  # one that is being deleted signs its last webhooks too
    return Claim(
        place,
        held_until,
        claimed,
        signing_secrets(account, utc_now()) if account else (),
        find_request_ids(connection, {delivery.batch_id for delivery in claimed if delivery.batch_id is not None}),
        receiver.failures if receiver is not None else 0,
    )


def _save(connection: Connection, claim: Claim, rows: Sequence[Row]) -> None:
    """The receiver is locked first, as in a claim, so that two senders never wait for one another."""
    receiver = receivers.locked_receiver(connection, claim.place)
    deliveries.save_attempts(connection, rows, held_until=claim.held_until)
    tried = {row["id"] for row in rows}
    left = [delivery.id for delivery in claim.deliveries if delivery.id not in tried]
    deliveries.give_back(connection, left, held_until=claim.held_until)
    if not rows:
        return
    changes = receiver_after(receiver, rows, utc_now(), probed=receiver.paused_until == claim.held_until)
    receivers.save_receiver(connection, claim.place, changes)
    if changes.get("pauses"):
        receivers.expire_deliveries(connection, claim.place, changes["reason"])
    urls = {delivery.id: delivery.url for delivery in claim.deliveries}
    for url in sorted({urls[row["id"]] for row in rows if row["status_code"] == GONE}):
        deliveries.switch_off_callback(connection, claim.place.root, url, reason=f"http_{GONE}")
