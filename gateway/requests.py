"""`GET /request/{preset}`: one image on demand, for a client that has not sent it before."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Response

from gateway.dispatch import start_run
from gateway.keys import BearerToken
from gateway.problems import busy
from gateway.state import State
from sais.accounts import account_of_key
from sais.on_demand import ThumbOrder, find_ordered, order_thumb, with_scheme
from sais_models.wire import MediaRow

router = APIRouter(tags=["images"])


@router.get(
    "/request/{preset}",
    response_model=MediaRow,
    responses={202: {"model": MediaRow, "description": "In the queue"}},
)
async def request_thumb(
    preset: str,
    url: Annotated[str, Query(description="Without a scheme it is taken as https")],
    token: BearerToken,
    state: State,
    response: Response,
    background: BackgroundTasks,
    callback: Annotated[str | None, Query(description="Told when the thumb is there")] = None,
) -> MediaRow | Response:
    """200 with the row when the thumb is there, else the image goes into the account's queue: 202, or 503 when that is
    over its limit (the image is queued all the same)."""
    order = ThumbOrder(preset, with_scheme(url), with_scheme(callback) if callback else None)
    account = await state.database.read(account_of_key, token)
    row = await state.database.read(find_ordered, account, order, public_url=state.public_url)
    if row is not None:
        return row
    ordered = await state.database.write(
        order_thumb,
        account,
        order,
        guard=state.guard,
        public_url=state.public_url,
        queue_limit=state.settings.queue_limit,
    )
    if ordered.batch is not None:
        background.add_task(start_run, state, ordered.batch)
    if ordered.queue_is_full:
        return busy("the account's queue is long; the image is queued all the same")
    response.status_code = 202
    return ordered.row
