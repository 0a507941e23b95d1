"""A run that is cancelled in Prefect cancels its batches, and a batch that is cancelled ends its run."""

import asyncio
from typing import Any

from prefect import Flow, State
from prefect.client.schemas.objects import FlowRun
from prefect.logging import get_run_logger
from prefect.states import Cancelled

from blocks.configuration import load_configuration
from sais.cancelling import cancel_batches_of_run
from sais.catalog.database import open_database, writing
from sais.configuration import Configuration
from sais_models import BatchMarking
from sais_models.wire import BatchStatus


async def cancel_its_batches(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Prefect calls this when somebody cancels the run, not when it is killed or crashes. Where it cannot,
    `resume-stalled` finds the run cancelled and does the same."""
    await asyncio.to_thread(_cancel, await load_configuration(), str(flow_run.id))


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
