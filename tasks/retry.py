"""Sends failed images again: those that are due, or those that somebody names."""

from prefect import task
from prefect.logging import get_run_logger
from sqlalchemy import Connection

from sais.catalog.accounts import get_account
from sais.fetching import Guard
from sais.pipeline.resources import Resources
from sais.retrying import Failed, Retried, retry_due, retry_failed
from sais_models import Batch
from tasks.policy import RETRIED

# One transaction; a batch of the size that one request may have.
PIECE = 10_000
# A minute's sweep: the rest is due a minute later.
MOST_PIECES = 5


@task(name="retry-due", task_run_name="retry-due", **RETRIED)
async def send_due_again(resources: Resources) -> list[Batch]:
    """Batches that need a run."""
    pending: list[Batch] = []
    for _ in range(MOST_PIECES):
        done = await resources.write(retry_due, guard=resources.guard, limit=PIECE)
        pending += done.pending
        if done.found:
            get_run_logger().info("%s failed images are tried again in %s batches", done.found, len(done.batches))
        if done.found < PIECE:
            break
    return pending


@task(name="retry-failed", task_run_name="retry-{account}", **RETRIED)
async def send_failed_again(account: str, reasons: list[str], resources: Resources) -> list[Batch]:
    """Batches that need a run. Raises UnknownAccount, and InputError for what is neither a reason nor a class."""
    pending: list[Batch] = []
    after: str | None = ""
    while after is not None:
        which = Failed(reasons, after, PIECE)
        done = await resources.write(_retry, account, which, resources.guard)
        pending += done.pending
        after = done.last
        if done.found:
            get_run_logger().info("%s failed images are tried again in %s batches", done.found, len(done.batches))
    return pending


def _retry(connection: Connection, account: str, which: Failed, guard: Guard) -> Retried:
    return retry_failed(connection, get_account(connection, account), which, guard=guard)
