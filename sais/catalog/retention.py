"""Rows that have served their time, deleted a slice at a time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, delete, func, or_, select, tuple_, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais_models import Account, Batch, BatchItem, BatchMarking, Delivery, DeliveryMarking


@dataclass(frozen=True)
class OldRows:
    deliveries: int
    batches: int
    items: int


def _old_deliveries(before: datetime) -> Select[tuple[str]]:
    """Delivered ones; and dead ones of accounts that are being deleted, which wait for nothing else."""
    deleted = select(table_of(Account).c.root).where(col(Account.deleted_at).is_not(None))
    dead = (
        (col(Delivery.marking) == DeliveryMarking.DEAD)
        & (col(Delivery.created_at) < before)
        & col(Delivery.root).in_(deleted)
    )
    delivered = (col(Delivery.marking) == DeliveryMarking.DELIVERED) & (col(Delivery.delivered_at) < before)
    return select(table_of(Delivery).c.id).where(or_(delivered, dead))


def _old_batches(before: datetime) -> Select[tuple[int]]:
    """Settled ones of which no webhook waits any more."""
    waiting = select(col(Delivery.id)).where(
        col(Delivery.batch_id) == col(Batch.id), col(Delivery.marking) == DeliveryMarking.PENDING
    )
    return select(table_of(Batch).c.id).where(
        col(Batch.marking) == BatchMarking.SETTLED, col(Batch.settled_at) < before, ~waiting.exists()
    )


def count_old(connection: Connection, deliveries: datetime | None, batches: datetime | None) -> OldRows:
    """What is older than these times; None: nothing is."""

    def number(statement: Select[tuple[str]] | Select[tuple[int]]) -> int:
        return connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()

    items = 0
    if batches is not None:
        of_old = select(table_of(BatchItem).c.position).where(col(BatchItem.batch_id).in_(_old_batches(batches)))
        items = number(of_old)
    return OldRows(
        deliveries=0 if deliveries is None else number(_old_deliveries(deliveries)),
        batches=0 if batches is None else number(_old_batches(batches)),
        items=items,
    )


def remove_old_deliveries(connection: Connection, before: datetime, limit: int) -> int:
    """At most `limit` of them. Returns how many; 0: none is left."""
    some = _old_deliveries(before).limit(limit)
    return connection.execute(delete(table_of(Delivery)).where(col(Delivery.id).in_(some))).rowcount


def next_old_batch(connection: Connection, before: datetime) -> int | None:
    found: int | None = connection.execute(_old_batches(before).order_by(col(Batch.id)).limit(1)).scalar()
    return found


def remove_items(connection: Connection, batch_id: int, limit: int) -> int:
    items = table_of(BatchItem)
    some = select(items.c.batch_id, items.c.position).where(items.c.batch_id == batch_id).limit(limit)
    return connection.execute(delete(items).where(tuple_(items.c.batch_id, items.c.position).in_(some))).rowcount


def detach_deliveries(connection: Connection, batch_id: int, limit: int) -> int:
    """Dead and delivered webhooks outlive their batch."""
    some = select(table_of(Delivery).c.id).where(col(Delivery.batch_id) == batch_id).limit(limit)
    return connection.execute(
        update(table_of(Delivery)).where(col(Delivery.id).in_(some)).values(batch_id=None)
    ).rowcount


def remove_batch(connection: Connection, batch_id: int) -> None:
    """Without items and deliveries already."""
    connection.execute(delete(table_of(Batch)).where(col(Batch.id) == batch_id))
