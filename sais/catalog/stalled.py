"""Open batches that no run says it works on."""

from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking, Lane, Media
from sais_models.columns import utc_now


def stalled_batches(connection: Connection, *, grace: float, after: int = 0, limit: int = 200) -> list[Batch]:
    """Those with ids over `after`, in their order. Whether a run is on its way to one, Prefect knows.

    Left out are batches that no run was asked for in the last `grace` seconds, for the asking may be under way, and
    those of which runs of other batches hold all that is pending: they settle it for these too. Of those that wait for
    their turn there is the first of an account of which nothing else is going: nobody would pass the turn on to it.
    """
    now = utc_now()
    pending = (
        select(col(BatchItem.position))
        .join(Media, col(Media.code) == col(BatchItem.code))
        .where(col(BatchItem.batch_id) == col(Batch.id), col(BatchItem.marking) == ItemMarking.PENDING)
    )
    free = pending.where(or_(col(Media.leased_until).is_(None), col(Media.leased_until) < now))
    statement = (
        select(table_of(Batch))
        .where(
            col(Batch.id) > after,
            col(Batch.marking) == BatchMarking.OPEN,
            or_(col(Batch.held_until).is_(None), col(Batch.held_until) < now),
            or_(col(Batch.flow_run_id).is_not(None), col(Batch.created_at) < now - timedelta(seconds=grace)),
            or_(~col(Batch.filled), free.exists(), ~pending.exists()),
            ~_waits_its_turn(),
        )
        .order_by(col(Batch.id))
        .limit(limit)
    )
    return all_rows(connection, Batch, statement)


def _waits_its_turn() -> ColumnElement[bool]:
    """Another batch of the account is going, or waits for longer: that one's end passes the turn on."""
    other = table_of(Batch).alias("other")
    others = select(other.c.id).where(other.c.root == col(Batch.root), other.c.marking == BatchMarking.OPEN)
    going = others.where(other.c.waiting_since.is_(None), other.c.lane == Lane.BULK).exists()
    earlier = others.where(other.c.waiting_since < col(Batch.waiting_since)).exists()
    return and_(col(Batch.waiting_since).is_not(None), or_(going, earlier))


def note_run(connection: Connection, batch: Batch, run: str) -> None:
    """The run that was asked for in place of the one that `batch` knows; unless it has begun and said so itself."""
    connection.execute(
        update(table_of(Batch))
        .where(col(Batch.id) == batch.id, col(Batch.flow_run_id).is_not_distinct_from(batch.flow_run_id))
        .values(flow_run_id=run, held_until=None)
    )


def note_resume(connection: Connection, batch: Batch, run: str) -> None:
    """The same where the one before had ended or died."""
    note_run(connection, batch, run)
    connection.execute(update(table_of(Batch)).where(col(Batch.id) == batch.id).values(resumes=col(Batch.resumes) + 1))
