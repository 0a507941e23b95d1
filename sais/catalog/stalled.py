"""Batches that have work left and nobody who does it."""

from datetime import timedelta

from sqlalchemy import Connection, and_, or_, select
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking, Media
from sais_models.columns import utc_now

# A run that was just asked for has this long to begin: a worker needs 4 s to start one, more when it is busy.
GRACE_SECONDS = 120


def stalled_batches(connection: Connection, *, limit: int = 100) -> list[Batch]:
    """Open batches of which no run holds a media now, the oldest first. Whether a run is on its way Prefect knows.

    Of those that wait for their turn, the first of an account of which nothing else is going: nobody would pass the
    turn on to it.
    """
    now = utc_now()
    held = (
        select(col(BatchItem.position))
        .join(Media, col(Media.code) == col(BatchItem.code))
        .where(
            col(BatchItem.batch_id) == col(Batch.id),
            col(BatchItem.marking) == ItemMarking.PENDING,
            col(Media.leased_until) >= now,
        )
        .exists()
    )
    other = table_of(Batch).alias("other")
    others = select(other.c.id).where(other.c.root == col(Batch.root), other.c.marking == BatchMarking.OPEN)
    going = others.where(other.c.waiting_since.is_(None)).exists()
    earlier = others.where(other.c.waiting_since < col(Batch.waiting_since)).exists()
    waits_its_turn = and_(col(Batch.waiting_since).is_not(None), or_(going, earlier))
    statement = (
        select(table_of(Batch))
        .where(
            col(Batch.marking) == BatchMarking.OPEN,
            col(Batch.created_at) < now - timedelta(seconds=GRACE_SECONDS),
            ~held,
            ~waits_its_turn,
        )
        .order_by(col(Batch.id))
        .limit(limit)
    )
    return all_rows(connection, Batch, statement)
