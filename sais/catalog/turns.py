"""Turns: an account has so many runs at once; its further batches wait, and the one that waited longest is next."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.rows import one_row
from sais.catalog.usage import lock_account
from sais.settings import Settings
from sais_models import Batch, BatchMarking, Lane
from sais_models.columns import utc_now


@dataclass(frozen=True)
class Share:
    """How many `runs` by workers one account may have at once, 0 any number; `lanes` are those that workers serve."""

    runs: int
    lanes: tuple[Lane, ...] = (Lane.BULK, Lane.QUICK)

    @classmethod
    def of(cls, settings: Settings) -> "Share":
        return cls(settings.account_runs, (Lane.BULK,) if settings.quick_images else (Lane.BULK, Lane.QUICK))


def ask_for_turn(connection: Connection, batch: Batch, share: Share) -> bool:
    """Whether a run may be started for the batch now; if not, it waits."""
    if share.runs and batch.lane in share.lanes:
        lock_account(connection, batch.root)
        # Of two that come together and ask at the same time, the later one counts the earlier, and not the other way.
        before = or_(col(Batch.id) < batch.id, and_(col(Batch.id) != batch.id, col(Batch.flow_run_id).is_not(None)))
        if count_going(connection, batch.root, share, before) >= share.runs:
            _set_waiting(connection, batch.id or 0)
            return False
    if batch.waiting_since is not None:
        stop_waiting(connection, batch.id or 0)
    return True


def give_way(connection: Connection, batch_id: int) -> None:
    """The batch goes to the back of its account's queue."""
    _set_waiting(connection, batch_id)


def pass_on_turn(
    connection: Connection, root: str, share: Share, *, ended: int, gave_way: bool = False
) -> Batch | None:
    """The account's batch that waited longest, which then waits no more; None when none may start.

    `ended` is the batch whose run ends: it has none any more, whatever its marking. With `gave_way` it goes to the
    back of its account's queue.
    """
    lock_account(connection, root)
    if gave_way:
        _set_waiting(connection, ended)
    if share.runs and count_going(connection, root, share, col(Batch.id) != ended) >= share.runs:
        return None
    oldest = select(table_of(Batch)).where(_open(root), _waits()).order_by(col(Batch.waiting_since)).limit(1)
    batch = one_row(connection, Batch, oldest)
    if batch is not None:
        stop_waiting(connection, batch.id or 0)
    return batch


def others_wait(connection: Connection, root: str) -> bool:
    """Whether a batch of the account waits for its turn."""
    return connection.execute(select(col(Batch.id)).where(_open(root), _waits()).limit(1)).first() is not None


def count_going(connection: Connection, root: str, share: Share, which: ColumnElement[bool]) -> int:
    """How many batches of the account, of those that `which` names, have a run by a worker or are to get one."""
    statement = select(func.count()).where(_open(root), ~_waits(), col(Batch.lane).in_(share.lanes), which)
    return connection.execute(statement).scalar_one()


def stop_waiting(connection: Connection, batch_id: int) -> None:
    """A run is started for it."""
    connection.execute(update(table_of(Batch)).where(col(Batch.id) == batch_id).values(waiting_since=None))


def _open(root: str) -> ColumnElement[bool]:
    return (col(Batch.root) == root) & (col(Batch.marking) == BatchMarking.OPEN)


def _waits() -> ColumnElement[bool]:
    return col(Batch.waiting_since).is_not(None)


def _set_waiting(connection: Connection, batch_id: int) -> None:
    """One that waits already keeps its place."""
    connection.execute(
        update(table_of(Batch))
        .where(col(Batch.id) == batch_id, col(Batch.marking) == BatchMarking.OPEN, ~_waits())
        .values(waiting_since=utc_now())
    )
