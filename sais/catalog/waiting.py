"""What waits, for how long, and what does not get through: counted from indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais_models import Batch, BatchItem, BatchMarking, Delivery, DeliveryMarking, ItemMarking, Media
from sais_models.columns import utc_now

MOST_RECEIVERS = 20
RECENT_BATCHES = 200
MOST_FAILURES = 2_000
RECENT_SECONDS = 600


@dataclass(frozen=True)
class Refused:
    """Webhooks for one address that were tried at least twice and not taken, the oldest from `since`."""

    url: str
    reason: str
    count: int
    since: datetime


def oldest_open(connection: Connection) -> tuple[datetime, int] | None:
    """When the batch that waits longest came, and how many images it has; None when none waits."""
    statement = (
        select(table_of(Batch).c.created_at, table_of(Batch).c.submitted)
        .where(col(Batch.marking) == BatchMarking.OPEN)
        .order_by(col(Batch.created_at))
        .limit(1)
    )
    row = connection.execute(statement).first()
    return None if row is None else (row.created_at, row.submitted)


def is_held(connection: Connection) -> bool:
    """Whether a run holds an image that waits. It looks no further than the first; where none is held, at all."""
    open_batches = select(col(Batch.id)).where(col(Batch.marking) == BatchMarking.OPEN)
    statement = (
        select(col(BatchItem.position))
        .join(Media, col(Media.code) == col(BatchItem.code))
        .where(
            col(BatchItem.batch_id).in_(open_batches),
            col(BatchItem.marking) == ItemMarking.PENDING,
            col(Media.leased_until) >= utc_now(),
        )
        .limit(1)
    )
    return connection.execute(statement).first() is not None


def refused_deliveries(connection: Connection) -> list[Refused]:
    """By address, the most first."""
    number = func.count()
    statement = (
        select(
            table_of(Delivery).c.url,
            func.max(table_of(Delivery).c.reason).label("reason"),
            number.label("number"),
            func.min(table_of(Delivery).c.created_at).label("since"),
        )
        .where(col(Delivery.marking) == DeliveryMarking.PENDING, col(Delivery.attempts) > 1)
        .group_by(table_of(Delivery).c.url)
        .order_by(number.desc())
        .limit(MOST_RECEIVERS)
    )
    return [Refused(row.url, row.reason or "", row.number, row.since) for row in connection.execute(statement)]


def recent_failures(connection: Connection, reasons: Sequence[str]) -> list[tuple[str, str, str]]:
    """Account, address and reason of what failed for one of `reasons` within ten minutes, in the latest batches."""
    latest = select(col(Batch.id)).order_by(col(Batch.id).desc()).limit(RECENT_BATCHES).scalar_subquery()
    statement = (
        select(table_of(Media).c.root, table_of(Media).c.url, table_of(Media).c.reason)
        .join(BatchItem, col(Media.code) == col(BatchItem.code))
        .where(
            col(BatchItem.batch_id).in_(latest),
            col(BatchItem.marking) == ItemMarking.FAILED,
            col(Media.reason).in_(reasons),
            col(Media.updated_at) >= utc_now() - timedelta(seconds=RECENT_SECONDS),
        )
        .limit(MOST_FAILURES)
    )
    return [(row.root, row.url, row.reason) for row in connection.execute(statement)]
