"""Receivers of webhooks: who has something due, who is paused, and who is dead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Select, and_, bindparam, case, func, literal, select, tuple_, update
from sqlmodel import col

from sais.catalog.bulk import Row, insert_new, new_row, table_of, update_rows
from sais.catalog.rows import all_rows, one_row
from sais_models import Delivery, DeliveryMarking, Receiver
from sais_models.columns import UtcDateTime, utc_now
from sais_models.receiver import DEAD_AFTER


@dataclass(frozen=True, order=True)
class Address:
    """One receiver: the account, and the server that its callbacks name."""

    root: str
    address: str


def due_receivers(connection: Connection, *, batch_id: int | None = None, root: str | None = None) -> list[Address]:
    """Those that may be sent something now: it is due, and they are not paused. Who waited longest comes first."""
    now = utc_now()
    waiting = list(_of_batch(connection, batch_id) if batch_id is not None else _with_pending(connection))
    found: list[tuple[float, Address]] = []
    for place in waiting:
        if root is not None and place.root != root:
            continue
        receiver = find_receiver(connection, place)
        paused = receiver is not None and receiver.paused_until is not None and receiver.paused_until > now
        if not paused and _has_due(connection, place, now, batch_id):
            tried = receiver.tried_at.timestamp() if receiver is not None and receiver.tried_at is not None else 0.0
            found.append((tried, place))
    return [place for _, place in sorted(found)]


def _with_pending(connection: Connection) -> Iterator[Address]:
    """From one receiver to the next along the index: the deliveries of each, millions perhaps, are not read."""
    columns = (col(Delivery.root), col(Delivery.receiver))
    last = Address("", "")
    while True:
        beyond = tuple_(*columns) > tuple_(literal(last.root), literal(last.address))
        statement = select(*columns).where(col(Delivery.marking) == DeliveryMarking.PENDING, beyond)
        row = connection.execute(statement.order_by(*columns).limit(1)).first()
        if row is None:
            return
        last = Address(*row)
        yield last


_OF_BATCH = (
    select(col(Delivery.root), col(Delivery.receiver))
    .where(col(Delivery.batch_id) == bindparam("batch"), col(Delivery.marking) == DeliveryMarking.PENDING)
    .distinct()
)


def _of_batch(connection: Connection, batch_id: int) -> Iterator[Address]:
    return (Address(*row) for row in connection.execute(_OF_BATCH, {"batch": batch_id}))


def _has_due(connection: Connection, place: Address, now: datetime, batch_id: int | None) -> bool:
    which = {"root": place.root, "address": place.address, "now": now, "batch": batch_id, "most": 1}
    return connection.execute(due_of(batch_id is not None), which).first() is not None


@cache
def due_of(one_batch: bool) -> Select[tuple[str]]:
    """The ids of what is due `now` at a receiver (`root`, `address`), of one `batch` or of all; at `most` so many, the
    oldest first."""
    due = select(col(Delivery.id)).where(
        col(Delivery.marking) == DeliveryMarking.PENDING,
        col(Delivery.root) == bindparam("root"),
        col(Delivery.receiver) == bindparam("address"),
        col(Delivery.due_at) <= bindparam("now"),
    )
    if one_batch:
        due = due.where(col(Delivery.batch_id) == bindparam("batch"))
    return due.order_by(col(Delivery.due_at)).limit(bindparam("most"))


_RECEIVER = select(table_of(Receiver)).where(
    col(Receiver.root) == bindparam("root"), col(Receiver.address) == bindparam("address")
)
_LOCKED_RECEIVER = _RECEIVER.with_for_update()


def find_receiver(connection: Connection, place: Address, *, lock: bool = False) -> Receiver | None:
    """`lock`: until the end of the transaction no other sender reads it with a lock (SQLite has one writer anyway)."""
    statement = _LOCKED_RECEIVER if lock else _RECEIVER
    return one_row(connection, Receiver, statement, {"root": place.root, "address": place.address})


def locked_receiver(connection: Connection, place: Address) -> Receiver:
    """Made when it is not there yet."""
    receiver = find_receiver(connection, place, lock=True)
    if receiver is None:
        insert_new(connection, Receiver, [new_row(Receiver, root=place.root, address=place.address)])
        receiver = find_receiver(connection, place, lock=True)
    if receiver is None:
        raise RuntimeError(f"the receiver {place.address} was deleted just now")
    return receiver


def save_receiver(connection: Connection, place: Address, changes: Row) -> None:
    update_rows(connection, Receiver, [{"root": place.root, "address": place.address, **changes}])


def wake_receivers(connection: Connection, places: Sequence[Address]) -> None:
    """What is paused may be asked at once."""
    for place in places:
        connection.execute(
            update(table_of(Receiver))
            .where(
                col(Receiver.root) == place.root,
                col(Receiver.address) == place.address,
                col(Receiver.paused_until).is_not(None),
            )
            .values(paused_until=utc_now())
        )


def next_due(connection: Connection, batch_id: int) -> datetime | None:
    """When the next delivery of the batch may be sent: it is due and its receiver not paused; None when none waits."""
    when = case(
        (col(Receiver.paused_until) > col(Delivery.due_at), col(Receiver.paused_until)), else_=col(Delivery.due_at)
    )
    of = and_(col(Receiver.root) == col(Delivery.root), col(Receiver.address) == col(Delivery.receiver))
    statement = (
        select(func.min(when, type_=UtcDateTime()))
        .select_from(table_of(Delivery).outerjoin(table_of(Receiver), of))
        .where(col(Delivery.batch_id) == batch_id, col(Delivery.marking) == DeliveryMarking.PENDING)
    )
    return connection.execute(statement).scalar()


def dead_receivers(connection: Connection) -> list[Receiver]:
    """Those that did not take a webhook over several pauses in a row, and have not since."""
    statement = select(table_of(Receiver)).where(col(Receiver.pauses) >= DEAD_AFTER)
    return all_rows(connection, Receiver, statement.order_by(col(Receiver.root), col(Receiver.address)))


def tell_dead_receivers(connection: Connection) -> list[Receiver]:
    """Those that have died since this was last asked; each is told once a death."""
    untold = [receiver for receiver in dead_receivers(connection) if receiver.told_at is None]
    rows = [{"root": receiver.root, "address": receiver.address, "told_at": utc_now()} for receiver in untold]
    update_rows(connection, Receiver, rows)
    return untold


def expire_deliveries(connection: Connection, place: Address, reason: str | None) -> int:
    """What waited for this receiver longer than a day is dead, without an attempt of its own. Returns how many."""
    now = utc_now()
    statement = update(table_of(Delivery)).where(
        col(Delivery.marking) == DeliveryMarking.PENDING,
        col(Delivery.root) == place.root,
        col(Delivery.receiver) == place.address,
        col(Delivery.due_at) <= now,
        col(Delivery.expires_at) <= now,
    )
    return connection.execute(statement.values(marking=DeliveryMarking.DEAD, reason=reason)).rowcount
