"""One attempt at a delivery, and what follows from its answer: for the delivery, and for its receiver."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from standardwebhooks.webhooks import Webhook

from sais.catalog.bulk import Row
from sais.errors import MediaError
from sais.fetching import Fetcher
from sais.webhooks.signing import signed_headers
from sais_models import Delivery, DeliveryMarking, Receiver
from sais_models.columns import utc_now

# Seconds before the next attempt: a day in all, then the delivery is dead (contract: webhooks).
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
JITTER = 0.2
GONE = 410
# Failures in a row after which a receiver is paused; each probe that fails doubles the pause, up to ten minutes.
PAUSED_AFTER = 5
FIRST_PAUSE = 15
LONGEST_PAUSE = 600


async def attempt(
    fetcher: Fetcher, delivery: Delivery, signers: Sequence[Webhook], request_id: str | None = None
) -> Row:
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
    dead = attempts > len(PAUSES) or status_code == GONE or delivery.expires_at <= now
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


def receiver_after(receiver: Receiver, rows: Sequence[Row], now: datetime, *, probed: bool) -> Row:
    """What the attempts of one claim, in the order in which they ended, say about the receiver.

    One that was taken ends every pause. A receiver that was paused and failed its probe is paused for longer; what
    was under way when another sender paused it lengthens nothing.
    """
    last = rows[-1]
    told: Row = {"tried_at": now, "status_code": last["status_code"], "reason": last["reason"]}
    if any(row["marking"] == DeliveryMarking.DELIVERED for row in rows):
        return {**told, "failures": 0, "pauses": 0, "paused_until": None, "succeeded_at": now, "told_at": None}
    failures = receiver.failures + len(rows)
    if failures < PAUSED_AFTER or (receiver.paused_until is not None and not probed):
        return {**told, "failures": failures}
    pause = min(FIRST_PAUSE * 2**receiver.pauses, LONGEST_PAUSE)
    return {
        **told,
        "failures": failures,
        "pauses": receiver.pauses + 1,
        "paused_until": now + timedelta(seconds=pause),
    }
