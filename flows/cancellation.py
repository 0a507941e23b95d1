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

from blocks.configuration import load_configuration
from sais.cancelling import cancel_batches_of_run
from sais.catalog.database import open_database, writing
from sais.configuration import Configuration
from sais_models import BatchMarking
from sais_models.wire import BatchStatus

log = logging.getLogger(__name__)


async def cancel_its_batches(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Prefect calls this when somebody cancels the run, not when it is killed or crashes. Where it cannot,
    `resume-stalled` finds the run cancelled and does the same."""
    await asyncio.to_thread(_cancel, await load_configuration(), str(flow_run.id))


async def cancel_if_asked_to(configuration: Configuration, run: str) -> bool:
    """Whether somebody cancels this run in Prefect; then its batches are cancelled. No when Prefect does not answer."""
    try:
        async with get_client() as client:
            asked = await client.read_flow_run(UUID(run))
    except (PrefectException, httpx.HTTPError, ValueError) as error:
        log.warning("Prefect does not tell whether this run is cancelled: %s", error)
        return False
    if asked.state is None or not asked.state.is_cancelling():
        return False
    await asyncio.to_thread(_cancel, configuration, run)
    return True


def _cancel(configuration: Configuration, run: str) -> list[int]:
    engine = open_database(configuration.database_url)
    try:
        with writing(engine) as connection:
            return cancel_batches_of_run(connection, run)
    finally:
        engine.dispose()


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
