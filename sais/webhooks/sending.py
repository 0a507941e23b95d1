"""Sending what is due in the outbox, and deciding what follows from each answer."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from sais.accounts import signing_secrets
from sais.catalog import deliveries
from sais.catalog.accounts import get_account
from sais.catalog.batches import find_request_ids
from sais.catalog.bulk import Row
from sais.catalog.database import reading, writing
from sais.errors import MediaError
from sais.fetching import Fetcher
from sais.webhooks.signing import signed_headers
from sais_models import Delivery, DeliveryMarking
from sais_models.columns import utc_now

# Seconds before the next attempt: a day in all, then the delivery is dead (contract: webhooks).
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
JITTER = 0.2
AT_ONCE = 500
HELD_SECONDS = 120
GONE = 410
RECEIVER_CONCURRENCY = 8


async def send_due(
    engine: Engine, fetcher: Fetcher, *, batch_id: int | None = None, extra_secrets: Sequence[str] = ()
) -> dict[DeliveryMarking, int]:
    """Sends everything that is due now, of one batch or of all. Returns how many are in which marking after it.

    `pending` counts those whose receiver did not take them: they are due again later. Raises nothing for a receiver.
    """
    tally = dict.fromkeys(DeliveryMarking, 0)
    while claimed := await asyncio.to_thread(_claim, engine, batch_id):
        senders = await asyncio.to_thread(_senders, engine, claimed)
        gates = {delivery.url: asyncio.Semaphore(RECEIVER_CONCURRENCY) for delivery in claimed}

        async def send(delivery: Delivery) -> Row:
            async with gates[delivery.url]:  # noqa: B023  awaited within this round
                signers = (*senders.secrets[delivery.root], *extra_secrets)  # noqa: B023
                return await attempt(fetcher, delivery, signers, senders.request_ids.get(delivery.batch_id))  # noqa: B023

        rows = await asyncio.gather(*(send(delivery) for delivery in claimed))
        await asyncio.to_thread(_save, engine, claimed, rows)
        for row in rows:
            tally[row["marking"]] += 1
    return tally


def _claim(engine: Engine, batch_id: int | None) -> list[Delivery]:
    with writing(engine) as connection:
        hold_until = utc_now() + timedelta(seconds=HELD_SECONDS)
        return deliveries.claim_due(connection, hold_until=hold_until, limit=AT_ONCE, batch_id=batch_id)


@dataclass(frozen=True)
class Senders:
    """`secrets` by root, and the ids of the requests that made the batches, by batch."""

    secrets: Mapping[str, tuple[str, ...]] = field(repr=False)
    request_ids: Mapping[int, str]


def _senders(engine: Engine, claimed: Sequence[Delivery]) -> Senders:
    now = utc_now()
    with reading(engine) as connection:
        roots = {delivery.root for delivery in claimed}
        return Senders(
            {root: signing_secrets(get_account(connection, root), now) for root in roots},
            find_request_ids(connection, {delivery.batch_id for delivery in claimed}),
        )


def _save(engine: Engine, claimed: Sequence[Delivery], rows: Sequence[Row]) -> None:
    with writing(engine) as connection:
        deliveries.save_attempts(connection, rows)
        gone = {(d.root, d.url) for d, row in zip(claimed, rows, strict=True) if row["status_code"] == GONE}
        for root, url in sorted(gone):
            deliveries.switch_off_callback(connection, root, url, reason=f"http_{GONE}")


async def attempt(fetcher: Fetcher, delivery: Delivery, signers: Sequence[str], request_id: str | None = None) -> Row:
    """One POST. Returns the columns of Delivery that it changes."""
    now = utc_now()
    try:
        headers = dict(signed_headers(delivery.id, delivery.body, now, signers))
        if request_id:
            headers["x-request-id"] = request_id
        answer = await fetcher.post(delivery.url, delivery.body.encode(), headers)
    except MediaError as error:
        return after_failure(delivery, now, error.reason, status_code=error.status_code)
    if answer.status_code // 100 == 2:  # noqa: PLR2004
        return {
            "id": delivery.id,
            "marking": DeliveryMarking.DELIVERED,
            "attempts": delivery.attempts + 1,
            "due_at": delivery.due_at,
            "status_code": answer.status_code,
            "reason": None,
            "delivered_at": utc_now(),
        }
    return after_failure(
        delivery,
        now,
        f"http_{answer.status_code}",
        status_code=answer.status_code,
        retry_after=answer.retry_after,
    )


def after_failure(
    delivery: Delivery,
    now: datetime,
    reason: str,
    *,
    status_code: int | None = None,
    retry_after: float | None = None,
) -> Row:
    """Due again after the next pause, or after what the receiver asked for if that is longer; dead after the last."""
    attempts = delivery.attempts + 1
    dead = attempts > len(PAUSES) or status_code == GONE
    pause = PAUSES[min(attempts, len(PAUSES)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return {
        "id": delivery.id,
        "marking": DeliveryMarking.DEAD if dead else DeliveryMarking.PENDING,
        "attempts": attempts,
        "due_at": now + timedelta(seconds=max(pause, retry_after or 0)),
        "status_code": status_code,
        "reason": reason,
        "delivered_at": None,
    }
