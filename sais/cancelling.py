"""Cancelling a batch because its client, or an operator, does not want it any more."""

from sqlalchemy import Connection

from sais.catalog.batches import batches_of_run, find_batch
from sais.errors import Forbidden, InputError
from sais.reading import batch_status
from sais.settling import cancel
from sais_models import Account
from sais_models.wire import BatchStatus


def cancel_batch(connection: Connection, batch_id: int, *, account: Account | None = None) -> BatchStatus:
    """Its sums after that; a batch that has ended already stays as it is. `account` is whose it must be.

    Raises InputError when there is none, Forbidden for a batch of another account.
    """
    batch = find_batch(connection, batch_id)
    if batch is None:
        raise InputError(f"there is no batch {batch_id}", field="batch")
    if account is not None and batch.root != account.root:
        raise Forbidden("this batch belongs to another account")
    cancel(connection, batch_id)
    return batch_status(connection, batch_id)


def cancel_batches_of_run(connection: Connection, run: str) -> list[int]:
    """What a run that somebody cancelled in Prefect was working on. Returns the batches that this ended."""
    return [batch for batch in batches_of_run(connection, run) if cancel(connection, batch)]
