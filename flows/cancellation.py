"""A run that is cancelled in Prefect cancels its batches, and a batch that is cancelled ends its run."""

import asyncio
from typing import Any

from prefect import Flow, State
from prefect.client.schemas.objects import FlowRun
from prefect.logging import get_run_logger
from prefect.states import Cancelled
from sqlalchemy import Connection

from blocks.configuration import load_configuration
from sais.cancelling import cancel_batches_of_run
from sais.catalog.batches import get_batch
from sais.catalog.database import open_database
from sais.catalog.stalled import note_run
from sais.catalog.threaded import ThreadedDatabase
from sais.catalog.turns import Share, pass_on_turn
from sais_models import Batch, BatchMarking
from sais_models.wire import BatchStatus
from tasks.resume import start_again


async def cancel_its_batches(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Prefect calls this when somebody cancels the run, not when it is killed or crashes. Where it cannot,
    `resume-stalled` finds the run cancelled and does the same."""
    configuration = await load_configuration()
    engine = await asyncio.to_thread(open_database, configuration.database_url)
    database = ThreadedDatabase(engine)
    try:
        for batch in await database.write(_cancel, str(flow_run.id), Share.of(configuration.settings)):
            run = await start_again(batch)
            await database.write(note_run, batch, str(run.id))
    finally:
        await asyncio.to_thread(engine.dispose)


def _cancel(connection: Connection, run: str, share: Share) -> list[Batch]:
    """Those that have their turn next."""
    ended = [get_batch(connection, batch) for batch in cancel_batches_of_run(connection, run)]
    passed = [pass_on_turn(connection, batch.root, share, ended=batch.id or 0) for batch in ended]
    return [batch for batch in passed if batch is not None]


def outcome_of(status: BatchStatus, troubles: list[Exception]) -> BatchStatus:
    """What a run that worked on a batch ends with; raises the first of `troubles`.

    Of a cancelled batch it is a state, which Prefect takes for the run's own: who waits for the run gets CancelledRun.
    """
    if status.marking == BatchMarking.CANCELLED:
        words = f"Batch {status.id} was cancelled: {status.done} done, {status.failed} failed, {status.cancelled} not."
        get_run_logger().info(words)
        return Cancelled(message=words)  # type: ignore[return-value]
    if troubles:
        raise troubles[0]
    return status
