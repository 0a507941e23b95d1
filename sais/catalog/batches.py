"""Rows of batches and their items."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update
from sqlmodel import col

from sais.catalog.bulk import Row, insert_new, new_row, table_of, update_rows
from sais.catalog.rows import all_rows, any_of, one_row, pieces
from sais.errors import InputError
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking, Media, MediaMarking, Thumb, ThumbMarking
from sais_models.columns import utc_now


def add_batch(connection: Connection, **values: Any) -> Batch:
    row = new_row(Batch, **values)
    row.pop("id")
    statement = insert(table_of(Batch)).values(row).returning(table_of(Batch).c.id)
    return Batch(**row, id=connection.execute(statement).scalar_one())


def get_batch(connection: Connection, batch_id: int) -> Batch:
    """Raises InputError when there is none."""
    batch = find_batch(connection, batch_id)
    if batch is None:
        raise InputError(f"there is no batch {batch_id}", field="batch")
    return batch


def find_batch(connection: Connection, batch_id: int) -> Batch | None:
    return one_row(connection, Batch, select(table_of(Batch)).where(col(Batch.id) == batch_id))


def find_batch_of_run(connection: Connection, run: str) -> Batch | None:
    """The batch that this run made."""
    return one_row(connection, Batch, select(table_of(Batch)).where(col(Batch.flow_run_id) == run))


def batches_of_run(connection: Connection, run: str) -> list[int]:
    """Those that it works on, in their order."""
    statement = select(table_of(Batch).c.id).where(col(Batch.flow_run_id) == run).order_by(col(Batch.id))
    return [row[0] for row in connection.execute(statement)]


def cancelled_batches(connection: Connection, run: str) -> list[int]:
    """Those that this run works on and that were cancelled meanwhile."""
    statement = select(table_of(Batch).c.id).where(
        col(Batch.flow_run_id) == run, col(Batch.marking) == BatchMarking.CANCELLED
    )
    return [row[0] for row in connection.execute(statement)]


def lock_batches(connection: Connection, batch_ids: Iterable[int]) -> None:
    """Until the transaction ends nobody else settles or cancels them. Without it two runs on PostgreSQL, each with one
    of the last two items, would not see the other's, and the batch would never settle. SQLite has one writer anyway."""
    statement = select(col(Batch.id)).where(col(Batch.id).in_(sorted(batch_ids))).order_by(col(Batch.id))
    connection.execute(statement.with_for_update(key_share=True)).all()


def find_request_ids(connection: Connection, batch_ids: Iterable[int]) -> dict[int, str]:
    """For those of these batches that an HTTP request made."""
    statement = select(table_of(Batch).c.id, table_of(Batch).c.request_id).where(
        col(Batch.id).in_(sorted(batch_ids)), table_of(Batch).c.request_id.is_not(None)
    )
    return dict(map(tuple, connection.execute(statement)))


def recent_batches(connection: Connection, limit: int) -> list[Batch]:
    return all_rows(connection, Batch, select(table_of(Batch)).order_by(col(Batch.id).desc()).limit(limit))


def change_batch(connection: Connection, batch_id: int, **values: Any) -> None:
    connection.execute(update(table_of(Batch)).where(col(Batch.id) == batch_id).values(**values))


def cancel_batch(connection: Connection, batch_id: int, *, reason: str) -> None:
    """The `cancel` move of an open batch and of what is pending in it."""
    connection.execute(
        update(table_of(BatchItem))
        .where(col(BatchItem.batch_id) == batch_id, col(BatchItem.marking) == ItemMarking.PENDING)
        .values(marking=ItemMarking.CANCELLED, reason=reason)
    )
    connection.execute(
        update(table_of(Batch))
        .where(col(Batch.id) == batch_id, col(Batch.marking) == BatchMarking.OPEN)
        .values(marking=BatchMarking.CANCELLED, settled_at=utc_now())
    )


def add_items(connection: Connection, rows: Sequence[Row]) -> None:
    """Rows of BatchItem; a position that is there already stays as it is."""
    insert_new(connection, BatchItem, rows)


_PENDING = and_(col(BatchItem.code).in_(any_of("codes")), col(BatchItem.marking) == ItemMarking.PENDING)
_WAITING = select(table_of(BatchItem).c.batch_id).distinct().where(_PENDING)
_PENDING_ITEMS = select(*(table_of(BatchItem).c[name] for name in ("batch_id", "position", "code", "context"))).where(
    _PENDING
)


def waiting_batches(connection: Connection, codes: Sequence[str]) -> set[int]:
    """Those in which one of these media is pending."""
    return {row[0] for piece in pieces(codes) for row in connection.execute(_WAITING, {"codes": piece})}


def pending_items(connection: Connection, codes: Sequence[str]) -> list[BatchItem]:
    """Of these media, in whatever batch, with what tells them apart and what their client is told."""
    return [
        item for piece in pieces(codes) for item in all_rows(connection, BatchItem, _PENDING_ITEMS, {"codes": piece})
    ]


def end_items(connection: Connection, rows: Sequence[Row]) -> None:
    """Rows of batch_id, position, marking and reason, for items that are pending still.

    Row by row: for a list of positions SQLite would look through all that is pending in the batch.
    """
    update_rows(connection, BatchItem, rows, where={"marking": ItemMarking.PENDING})


def count_items(connection: Connection, batch_id: int) -> dict[ItemMarking, int]:
    statement = (
        select(col(BatchItem.marking), func.count())
        .where(col(BatchItem.batch_id) == batch_id)
        .group_by(col(BatchItem.marking))
    )
    return dict(map(tuple, connection.execute(statement)))


def count_reasons(connection: Connection, batch_id: int) -> dict[str, int]:
    """How many items failed, were rejected or cancelled, by reason, the most frequent first."""
    statement = (
        select(table_of(BatchItem).c.reason, func.count())
        .where(col(BatchItem.batch_id) == batch_id, col(BatchItem.reason).is_not(None))
        .group_by(col(BatchItem.reason))
        .order_by(func.count().desc(), col(BatchItem.reason))
    )
    return dict(map(tuple, connection.execute(statement)))


def ended_codes(connection: Connection, batch_id: int) -> list[str]:
    """Codes of pending items whose media has failed, or is archived with no thumb still to be made."""
    unmade = select(col(Thumb.code)).where(col(Thumb.code) == col(Media.code), col(Thumb.marking) == ThumbMarking.NEW)
    ended = or_(
        col(Media.marking) == MediaMarking.FAILED,
        and_(col(Media.marking).in_((MediaMarking.ARCHIVED, MediaMarking.RESIZED)), ~unmade.exists()),
    )
    statement = (
        select(col(BatchItem.code))
        .distinct()
        .join(Media, col(Media.code) == col(BatchItem.code))
        .where(col(BatchItem.batch_id) == batch_id, col(BatchItem.marking) == ItemMarking.PENDING, ended)
        .order_by(col(BatchItem.code))
    )
    return [row[0] for row in connection.execute(statement)]


_SETTLE = (
    update(table_of(Batch))
    .where(
        col(Batch.id).in_(any_of("batches")),
        col(Batch.marking) == BatchMarking.OPEN,
        col(Batch.filled),
        ~select(col(BatchItem.batch_id))
        .where(col(BatchItem.batch_id) == col(Batch.id), col(BatchItem.marking) == ItemMarking.PENDING)
        .exists(),
    )
    .values(marking=BatchMarking.SETTLED, settled_at=bindparam("now"))
    .returning(table_of(Batch).c.id)
)


def settle_batches(connection: Connection, batch_ids: Iterable[int]) -> list[int]:
    """Settles those that are filled and have no pending item left. Returns their ids."""
    return [row[0] for row in connection.execute(_SETTLE, {"batches": sorted(batch_ids), "now": utc_now()})]


def any_open(connection: Connection) -> bool:
    """Whether there is new work."""
    return (
        connection.execute(select(col(Batch.id)).where(col(Batch.marking) == BatchMarking.OPEN).limit(1)).first()
        is not None
    )
