"""The outbox: webhooks to be sent, sent, and given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, update
from sqlmodel import col

from sais.catalog.bulk import Row, insert_new, table_of, update_rows
from sais.catalog.receivers import Address, due_of, locked_receiver, save_receiver, wake_receivers
from sais.catalog.rows import all_rows, any_of
from sais_models import Account, Batch, Delivery, DeliveryMarking
from sais_models.columns import utc_now
from sais_models.delivery import day_from_now


def add_deliveries(connection: Connection, rows: Sequence[Row]) -> None:
    """Rows of Delivery; what was reported for a batch already is not reported twice."""
    insert_new(connection, Delivery, rows)


@dataclass(frozen=True)
class Which:
    """Some of the outbox: every field that is given narrows it. `since` and `until` are about when it was written.

    `receiver` is a host, a server (scheme, host, port), or a whole callback address.
    """

    root: str | None = None
    batch_id: int | None = None
    ids: Sequence[str] = ()
    receiver: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        wanted: list[ColumnElement[bool]] = []
        if self.root is not None:
            wanted.append(col(Delivery.root) == self.root)
        if self.batch_id is not None:
            wanted.append(col(Delivery.batch_id) == self.batch_id)
        if self.ids:
            wanted.append(col(Delivery.id).in_(self.ids))
        if self.receiver is not None:
            wanted.append(self._receiver(self.receiver.lower()))
        if self.since is not None:
            wanted.append(col(Delivery.created_at) >= self.since)
        if self.until is not None:
            wanted.append(col(Delivery.created_at) < self.until)
        return wanted

    def _receiver(self, name: str) -> ColumnElement[bool]:
        if "://" in name:
            return or_(col(Delivery.url) == self.receiver, col(Delivery.receiver) == name.rstrip("/"))
        return col(Delivery.receiver).in_([f"{scheme}://{name}" for scheme in ("http", "https")])


def claim_due(
    connection: Connection, place: Address, *, hold_until: datetime, limit: int, batch_id: int | None = None
) -> list[Delivery]:
    """Takes what is due for one receiver, oldest first, and pushes it to `hold_until`: no other sender takes it. Of
    the deliveries only what an attempt needs is there.

    Nothing while the receiver is paused. After the pause one delivery, and nothing to other senders meanwhile.
    """
    now = utc_now()
    receiver = locked_receiver(connection, place)
    if receiver.paused_until is not None:
        if receiver.paused_until > now:
            return []
        limit = 1
    which = {"root": place.root, "address": place.address, "now": now, "batch": batch_id}
    ids = [row[0] for row in connection.execute(due_of(batch_id is not None), which | {"most": limit})]
    if not ids:
        return []
    connection.execute(_HOLD, {"ids": ids, "until": hold_until})
    probing = {"paused_until": hold_until} if receiver.paused_until is not None else {}
    save_receiver(connection, place, {"tried_at": now, **probing})
    return all_rows(connection, Delivery, _CLAIMED, {"ids": ids})


_HOLD = update(table_of(Delivery)).where(col(Delivery.id).in_(any_of("ids"))).values(due_at=bindparam("until"))
# What an attempt needs of a delivery.
_CLAIMED = (
    select(
        *(table_of(Delivery).c[name] for name in ("id", "batch_id", "url", "body", "attempts", "due_at", "expires_at"))
    )
    .where(col(Delivery.id).in_(any_of("ids")))
    .order_by(col(Delivery.created_at))
)


def save_attempts(connection: Connection, rows: Sequence[Row], *, held_until: datetime) -> None:
    """Rows of id, marking, attempts, due_at, status_code, reason, delivered_at, of a claim held until then.

    What another sender has taken since is left to it, but for a success: that is true whoever brings it.
    """
    pending = {"marking": DeliveryMarking.PENDING}
    delivered = [row for row in rows if row["marking"] == DeliveryMarking.DELIVERED]
    update_rows(connection, Delivery, delivered, where=pending)
    others = [row for row in rows if row["marking"] != DeliveryMarking.DELIVERED]
    update_rows(connection, Delivery, others, where={**pending, "due_at": held_until})


def give_back(connection: Connection, ids: Sequence[str], *, held_until: datetime) -> None:
    """Claimed, but not sent: due again at once."""
    rows = [{"id": identity, "due_at": utc_now()} for identity in ids]
    update_rows(connection, Delivery, rows, where={"marking": DeliveryMarking.PENDING, "due_at": held_until})


def find_deliveries(connection: Connection, marking: DeliveryMarking, which: Which, *, limit: int) -> list[Delivery]:
    """The newest first."""
    statement = select(table_of(Delivery)).where(col(Delivery.marking) == marking, *which.conditions())
    return all_rows(connection, Delivery, statement.order_by(col(Delivery.created_at).desc()).limit(limit))


def replay_dead(connection: Connection, which: Which) -> int:
    """The `replay` move: dead ones are due now, with all their attempts and a day before them, and their receivers are
    asked again at once. Returns how many."""
    dead = [col(Delivery.marking) == DeliveryMarking.DEAD, *which.conditions()]
    places = connection.execute(select(col(Delivery.root), col(Delivery.receiver)).where(*dead).distinct())
    wake_receivers(connection, sorted(Address(*row) for row in places))
    fresh = {"marking": DeliveryMarking.PENDING, "attempts": 0, "due_at": utc_now(), "expires_at": day_from_now()}
    return connection.execute(update(table_of(Delivery)).where(*dead).values(fresh)).rowcount


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


def count_deliveries(connection: Connection, batch_id: int | None = None) -> dict[DeliveryMarking, int]:
    statement = select(col(Delivery.marking), func.count()).group_by(col(Delivery.marking))
    if batch_id is not None:
        statement = statement.where(col(Delivery.batch_id) == batch_id)
    return dict(map(tuple, connection.execute(statement)))


def count_of_account(connection: Connection, root: str) -> int:
    """How many of an account's webhooks are not delivered."""
    statement = select(func.count()).where(
        col(Delivery.root) == root, col(Delivery.marking) != DeliveryMarking.DELIVERED
    )
    return connection.execute(statement).scalar_one()
