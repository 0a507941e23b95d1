"""Sums for people: accounts with their media by marking, recent batches, and what still waits."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select
from sqlmodel import col

from sais.catalog import accounts, batches
from sais.catalog.bulk import table_of
from sais.catalog.media import count_by_marking
from sais.fetching import redact_url
from sais.reading import batch_status
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking, Media, MediaMarking
from sais_models.wire import BatchStatus

EXAMPLES = 3


@dataclass(frozen=True)
class AccountLine:
    root: str
    counts: dict[MediaMarking, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class BatchLine:
    batch: Batch
    status: BatchStatus


@dataclass(frozen=True)
class Queue:
    """Batches that are not settled, and their images that are still to be done."""

    batches: int
    images: int


@dataclass(frozen=True)
class FailureGroup:
    """How many items of a batch share a reason, with the addresses of a few (redacted)."""

    reason: str
    count: int
    examples: list[str]


def account_lines(connection: Connection) -> list[AccountLine]:
    counts = count_by_marking(connection)
    return [AccountLine(account.root, counts.get(account.root, {})) for account in accounts.list_accounts(connection)]


def recent_batches(connection: Connection, limit: int) -> list[BatchLine]:
    return [
        BatchLine(batch, batch_status(connection, batch.id or 0)) for batch in batches.recent_batches(connection, limit)
    ]


def count_queue(connection: Connection) -> Queue:
    open_batches = select(col(Batch.id)).where(col(Batch.marking) == BatchMarking.OPEN)
    images = select(func.count()).where(
        col(BatchItem.batch_id).in_(open_batches), col(BatchItem.marking) == ItemMarking.PENDING
    )
    waiting = select(func.count()).select_from(open_batches.subquery())
    return Queue(connection.execute(waiting).scalar_one(), connection.execute(images).scalar_one())


def failure_groups(connection: Connection, status: BatchStatus) -> list[FailureGroup]:
    return [
        FailureGroup(reason, count, _examples(connection, status.id, reason))
        for reason, count in status.reasons.items()
    ]


def _examples(connection: Connection, batch_id: int, reason: str) -> list[str]:
    statement = (
        select(func.coalesce(col(Media.url), col(BatchItem.url)))
        .select_from(table_of(BatchItem))
        .outerjoin(Media, col(Media.code) == col(BatchItem.code))
        .where(
            col(BatchItem.batch_id) == batch_id,
            col(BatchItem.marking).in_((ItemMarking.FAILED, ItemMarking.REJECTED)),
            col(BatchItem.reason) == reason,
        )
        .order_by(col(BatchItem.position))
        .limit(EXAMPLES)
    )
    return [redact_url(url) for (url,) in connection.execute(statement)]
