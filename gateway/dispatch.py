"""`POST /dispatch_process`: images in, rows out at once; the work is done by a flow run."""

import asyncio
import logging
import time
from typing import Annotated

from fastapi import APIRouter, HTTPException, Response
from pydantic import BeforeValidator
from sqlalchemy import Connection

from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken, owner
from gateway.state import GatewayState, State
from sais.catalog import batches
from sais.catalog.turns import Share, ask_for_turn
from sais.dispatch import Submitted
from sais.errors import PrefectUnavailable
from sais.fetching import Guard
from sais.reading import batch_rows
from sais.runs import lane_for
from sais.submission import Submission, submit
from sais_models import Batch, BatchMarking, Lane
from sais_models.wire import DispatchProcess, ImageRequest, MediaRow

router = APIRouter(tags=["images"], route_class=JsonRoute)
log = logging.getLogger(__name__)

MOST_IMAGES = 10_000
POLL_SECONDS = 0.2


def _with_url(image: object) -> object:
    """An image without a URL is rejected alone, with its own reason; it must not stop the others."""
    if image is None:
        return ""
    return {**image, "url": ""} if isinstance(image, dict) and image.get("url") is None else image


class DispatchRequest(DispatchProcess):
    images: list[Annotated[str | ImageRequest, BeforeValidator(_with_url)]]

    def submitted(self) -> list[Submitted]:
        return [
            Submitted(image) if isinstance(image, str) else Submitted(image.url, image.context) for image in self.images
        ]


@router.post("/dispatch_process")
@router.post("/dispatch_process.json", include_in_schema=False)
async def dispatch_process(
    order: DispatchRequest, token: BearerToken, state: State, response: Response
) -> list[MediaRow]:
    """A row for each image, in the order sent; `X-Sais-Batch` is the batch to ask for."""
    if len(order.images) > MOST_IMAGES:
        raise HTTPException(
            413, f"{len(order.images)} images, {MOST_IMAGES} are the most in one request; send more as a manifest"
        )
    lane = lane_for(len(order.images), most=state.settings.quick_images, asked=order.lane)
    submission = await state.database.write(_accept, order, lane, token, state.guard)
    batch = submission.batch
    if submission.pending:
        await start_run(state, batch)
        if order.wait:
            await wait_until_settled(state, batch.id or 0)
    response.headers["X-Sais-Batch"] = str(batch.id)
    return await state.database.read(batch_rows, batch, public_url=state.public_url)


def _accept(connection: Connection, order: DispatchRequest, lane: Lane, token: str | None, guard: Guard) -> Submission:
    return submit(
        connection,
        owner(connection, order.root, token or order.api_key),
        order.submitted(),
        guard=guard,
        presets=order.filters,
        lane=lane,
        context=order.context,
        media_callback_url=order.media_callback_url,
        thumb_callback_url=order.thumb_callback_url,
        batch_callback_url=order.batch_callback_url,
    )


async def start_run(state: GatewayState, batch: Batch) -> None:
    """The quick runner takes its batches itself; for the others, or where there is none, a worker is asked."""
    if batch.lane == Lane.BULK or not state.settings.quick_images:
        await start_by_worker(state, batch)


async def start_by_worker(state: GatewayState, batch: Batch) -> bool:
    """The batch is in the database already: without Prefect it waits for the sweep, and the client need not know.

    When its account has as many runs as it may, it waits for one of them to end (docs/decisions/0028).
    """
    if not await state.database.write(ask_for_turn, batch, Share.of(state.settings)):
        return False
    try:
        run = await state.runs.start(batch)
    except PrefectUnavailable as error:
        log.warning("batch %s is accepted, but no run started; the sweep takes it up: %s", batch.id, error)
        return False
    await state.database.write(_note_run, batch.id or 0, run)
    return True


def _note_run(connection: Connection, batch_id: int, run: str) -> None:
    batches.change_batch(connection, batch_id, flow_run_id=run)


async def wait_until_settled(state: GatewayState, batch_id: int) -> None:
    """At most `SAIS_WAIT_SECONDS`."""
    deadline = time.monotonic() + state.settings.wait_seconds
    while time.monotonic() < deadline:
        batch = await state.database.read(batches.get_batch, batch_id)
        if batch.marking != BatchMarking.OPEN:
            return
        await asyncio.sleep(POLL_SECONDS)
