"""The outbox: webhooks to be sent, sent, and given up."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlmodel import col

from sais.catalog.bulk import Row, insert_new, table_of, update_rows
from sais.catalog.rows import all_rows
from sais_models import Account, Batch, Delivery, DeliveryMarking
from sais_models.columns import utc_now


def add_deliveries(connection: Connection, rows: Sequence[Row]) -> None:
    """Rows of Delivery; what was reported for a batch already is not reported twice."""
    insert_new(connection, Delivery, rows)


def claim_due(
    connection: Connection, *, hold_until: datetime, limit: int, batch_id: int | None = None
) -> list[Delivery]:
    """Takes what is due, oldest first, and pushes it to `hold_until`, so that no other sender takes it meanwhile."""
    due = select(col(Delivery.id)).where(
        col(Delivery.marking) == DeliveryMarking.PENDING, col(Delivery.due_at) <= utc_now()
    )
    if batch_id is not None:
        due = due.where(col(Delivery.batch_id) == batch_id)
    due = due.order_by(col(Delivery.due_at)).limit(limit)
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    ids = [row[0] for row in connection.execute(due)]
    connection.execute(update(table_of(Delivery)).where(col(Delivery.id).in_(ids)).values(due_at=hold_until))
    return all_rows(
        connection,
        Delivery,
        select(table_of(Delivery)).where(col(Delivery.id).in_(ids)).order_by(col(Delivery.created_at)),
    )


def save_attempts(connection: Connection, rows: Sequence[Row]) -> None:
    """Rows of id, marking, attempts, due_at, status_code, reason, delivered_at."""
    update_rows(connection, Delivery, rows, where={"marking": DeliveryMarking.PENDING})


def find_deliveries(
    connection: Connection,
    marking: DeliveryMarking,
    *,
    root: str | None = None,
    batch_id: int | None = None,
    limit: int,
) -> list[Delivery]:
    """The newest first."""
    statement = select(table_of(Delivery)).where(col(Delivery.marking) == marking, *_of(root, batch_id))
    return all_rows(connection, Delivery, statement.order_by(col(Delivery.created_at).desc()).limit(limit))


def replay_dead(
    connection: Connection, *, ids: Sequence[str] = (), root: str | None = None, batch_id: int | None = None
) -> int:
    """The `replay` move: dead ones are due now, with all their attempts before them. Returns how many."""
    statement = update(table_of(Delivery)).where(
        col(Delivery.marking) == DeliveryMarking.DEAD,
        *_of(root, batch_id),
        *([col(Delivery.id).in_(ids)] if ids else []),
    )
    return connection.execute(statement.values(marking=DeliveryMarking.PENDING, attempts=0, due_at=utc_now())).rowcount


def _of(root: str | None, batch_id: int | None) -> list[ColumnElement[bool]]:
    wanted = [] if root is None else [col(Delivery.root) == root]
    return wanted if batch_id is None else [*wanted, col(Delivery.batch_id) == batch_id]


def switch_off_callback(connection: Connection, root: str, url: str, reason: str) -> None:
    """The receiver said 410: what waits for this address is dead, and the account adds no more for it."""
    connection.execute(
        update(table_of(Delivery))
        .where(
            col(Delivery.root) == root,
            col(Delivery.url) == url,
            col(Delivery.marking) == DeliveryMarking.PENDING,
        )
        .values(marking=DeliveryMarking.DEAD, reason=reason)
    )
    for table in (table_of(Account), table_of(Batch)):
        for field in ("media_callback_url", "thumb_callback_url", "batch_callback_url"):
            connection.execute(update(table).where(table.c.root == root, table.c[field] == url).values({field: None}))


def next_due(connection: Connection, batch_id: int) -> datetime | None:
    """When the next delivery of the batch is due; None when none waits."""
    statement = (
        select(col(Delivery.due_at))
        .where(col(Delivery.batch_id) == batch_id, col(Delivery.marking) == DeliveryMarking.PENDING)
        .order_by(col(Delivery.due_at))
        .limit(1)
    )
    return connection.execute(statement).scalar()


def count_deliveries(connection: Connection, batch_id: int | None = None) -> dict[DeliveryMarking, int]:
    statement = select(col(Delivery.marking), func.count()).group_by(col(Delivery.marking))
    if batch_id is not None:
        statement = statement.where(col(Delivery.batch_id) == batch_id)
    return dict(map(tuple, connection.execute(statement)))
