"""The quick lane's queue: filled batches that no run has taken up yet. Who takes one writes its name on it."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, select, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows
from sais_models import Batch, BatchMarking, Lane
from sais_models.columns import utc_now


def waiting_batches(connection: Connection, *, older_than: float = 0.0, limit: int = 500) -> list[Batch]:
    """Quick batches that nobody works on, the oldest first; `older_than` in seconds since they came."""
    statement = (
        select(table_of(Batch))
        .where(
            col(Batch.marking) == BatchMarking.OPEN,
            col(Batch.flow_run_id).is_(None),
            col(Batch.lane) == Lane.QUICK,
            col(Batch.filled),
            col(Batch.created_at) <= utc_now() - timedelta(seconds=older_than),
        )
        .order_by(col(Batch.id))
        .limit(limit)
    )
    return all_rows(connection, Batch, statement)


def take_batches(connection: Connection, ids: Sequence[int], taker: str) -> list[int]:
    """Those of `ids` that are now `taker`'s alone: one statement, so that of two takers one gets each batch."""
    statement = (
        update(table_of(Batch))
        .where(col(Batch.id).in_(ids), col(Batch.flow_run_id).is_(None))
        .values(flow_run_id=taker)
        .returning(table_of(Batch).c.id)
    )
    return sorted(row[0] for row in connection.execute(statement))


def give_back(connection: Connection, taker: str) -> None:
    """What `taker` has taken waits again."""
    connection.execute(update(table_of(Batch)).where(col(Batch.flow_run_id) == taker).values(flow_run_id=None))
