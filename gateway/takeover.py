"""Quick requests that the quick lane does not take up go to a worker, so that none waits for a process that is dead."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from gateway.dispatch import start_by_worker
from gateway.state import GatewayState
from sais.catalog.quick import give_back, take_batches, waiting_batches
from sais_models import Batch

log = logging.getLogger(__name__)

# The lane takes what waits every 0.05 s; a worker needs 4 s to begin.
OVERDUE_SECONDS = 5.0
LOOK_SECONDS = 1.0


@asynccontextmanager
async def taking_over(state: GatewayState, *, overdue: float = OVERDUE_SECONDS) -> AsyncIterator[None]:
    """Looks for overdue requests each second. Any number of gateways may: each request goes to one of them."""
    task = asyncio.create_task(_keep_looking(state, overdue))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_looking(state: GatewayState, overdue: float) -> None:
    while True:
        try:
            for batch in await state.database.read(waiting_batches, older_than=overdue):
                await _take_over(state, batch)
        except SQLAlchemyError:
            log.exception("the database does not answer")
        await asyncio.sleep(LOOK_SECONDS)


async def _take_over(state: GatewayState, batch: Batch) -> None:
    taker = f"gateway-{uuid4().hex}"
    if not await state.database.write(take_batches, [batch.id or 0], taker):
        return
    log.warning("no quick runner took batch %s; a worker gets it", batch.id)
    if not await start_by_worker(state, batch):
        await state.database.write(give_back, taker)
