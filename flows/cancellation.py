"""A run that is cancelled in Prefect cancels its batches, and a batch that is cancelled ends its run."""

import asyncio
import logging
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow, State
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectException
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
from sais.configuration import Configuration
from sais_models import Batch, BatchMarking
from sais_models.wire import BatchStatus
from tasks.resume import start_again

log = logging.getLogger(__name__)


async def cancel_its_batches(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Prefect calls this when somebody cancels the run, not when it is killed or crashes. Where it cannot,
    `resume-stalled` finds the run cancelled and does the same."""
    await _cancel_and_pass_on(await load_configuration(), str(flow_run.id))


async def cancel_if_asked_to(configuration: Configuration, run: str, seconds: float) -> bool:
    """Whether somebody cancels this run in Prefect; then its batches are cancelled. No when Prefect does not answer
    within `seconds`: `resume-stalled` does it then."""
    try:
        number = UUID(run)
        async with asyncio.timeout(seconds), get_client() as client:
            asked = await client.read_flow_run(number)
    except (PrefectException, httpx.HTTPError, TimeoutError, ValueError) as error:
        log.warning("Prefect does not tell whether this run is cancelled: %s", error or type(error).__name__)
        return False
    if asked.state is None or not asked.state.is_cancelling():
        return False
    await _cancel_and_pass_on(configuration, run)
    return True


async def _cancel_and_pass_on(configuration: Configuration, run: str) -> None:
    """The accounts' batches that waited longest are started in place of those that end here."""
    engine = await asyncio.to_thread(open_database, configuration.database_url)
    database = ThreadedDatabase(engine)
    try:
        for batch in await database.write(_cancel, run, Share.of(configuration.settings)):
            started = await start_again(batch)
            await database.write(note_run, batch, str(started.id))
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
