"""`GET /ui/batches/{id}/events`: the sums of a batch as server-sent events, until it has settled."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from gateway.reading import BatchId
from gateway.state import State
from sais.catalog.batches import find_batch
from sais.errors import InputError
from sais.reading import batch_status
from sais_models.wire import BatchStatus

router = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
# Counting the items of a million takes a tenth of a second: a viewer takes at most a tenth of a core.
REST = 9
# Proxies close what is silent for a minute.
HEARTBEAT_SECONDS = 15.0
# The browser connects again by itself, and a forgotten tab holds no connection for ever.
LONGEST_SECONDS = 600.0
RECONNECT = "retry: 2000\n\n"
HEARTBEAT = ": at work\n\n"


@router.get("/ui/batches/{batch_id}/events")
async def batch_events(batch_id: BatchId, state: State) -> StreamingResponse:
    """`sums` at once and whenever they change, `settled` as the last one; each with the sums as JSON."""
    if await state.database.read(find_batch, batch_id) is None:
        raise HTTPException(404, f"there is no batch {batch_id}")

    async def ask() -> BatchStatus:
        return await state.database.read(batch_status, batch_id)

    # A proxy that collects an answer before it passes it on would hold back every event.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(watch(ask), media_type="text/event-stream", headers=headers)


async def watch(
    ask: Callable[[], Awaitable[BatchStatus]],
    *,
    pause: float = PAUSE_SECONDS,
    heartbeat: float = HEARTBEAT_SECONDS,
    longest: float = LONGEST_SECONDS,
) -> AsyncIterator[str]:
    """Events as they go over the wire; times in seconds. Ends when the batch has settled or cannot be read."""
    yield RECONNECT
    told: BatchStatus | None = None
    began = spoke = time.monotonic()
    while (asked := time.monotonic()) - began < longest:
        try:
            status = await ask()
        except (SQLAlchemyError, InputError) as error:
            log.warning("a batch that is watched cannot be read: %s", error)
            return
        if status.settled:
            yield _event("settled", status)
            return
        if status != told:
            told, spoke = status, asked
            yield _event("sums", status)
        elif asked - spoke >= heartbeat:
            spoke = asked
            yield HEARTBEAT
        await asyncio.sleep(max(pause, REST * (time.monotonic() - asked)))


def _event(name: str, status: BatchStatus) -> str:
    return f"event: {name}\ndata: {status.model_dump_json(by_alias=True)}\n\n"
