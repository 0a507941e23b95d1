"""`POST /batches/{id}/cancel`, and the button on the page of the batch that does the same."""

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from gateway.form_bodies import SentForm
from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken
from gateway.reading import BatchId, read_batch
from gateway.rendering import page
from gateway.state import State
from sais.accounts import account_of_key
from sais.cancelling import cancel_batch
from sais.catalog.batches import find_batch
from sais.errors import Forbidden, Unauthorized
from sais_models.wire import BatchStatus, Wire

router = APIRouter(tags=["images"], route_class=JsonRoute)
forms = APIRouter(include_in_schema=False)


class Cancellation(Wire):
    api_key: str | None = None


@router.post("/batches/{batch_id}/cancel")
async def cancel(batch_id: BatchId, token: BearerToken, state: State, order: Cancellation | None = None) -> BatchStatus:
    """What is pending in the batch becomes `cancelled`, what is done stays; the answer has the sums after that. A batch
    that has ended already stays as it is."""
    key = token or (order.api_key if order else None)
    await state.database.write(_cancel, batch_id, key)
    return await read_batch(batch_id, key, state)


def _cancel(connection: Connection, batch_id: int, key: str | None) -> BatchStatus:
    account = account_of_key(connection, key)
    if find_batch(connection, batch_id) is None:
        raise HTTPException(404, f"there is no batch {batch_id}")
    return cancel_batch(connection, batch_id, account=account)


@forms.post("/ui/batches/{batch_id}/cancel")
async def send_cancel(batch_id: BatchId, form: SentForm, state: State) -> Response:
    """Back to the page of the batch."""
    try:
        await state.database.write(_cancel, batch_id, form.one("apiKey"))
    except Unauthorized:
        return page("missing.html", 401, words="Not cancelled: this is no account's key.")
    except Forbidden as error:
        return page("missing.html", 403, words=f"Not cancelled: {error}.")
    return RedirectResponse(f"/ui/batches/{batch_id}", 303)
