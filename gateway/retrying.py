"""`POST /retry`: an account's failed images tried again, and nothing that succeeded."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import Connection

from gateway.dispatch import MOST_IMAGES, start_run
from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken, owner
from gateway.state import State
from sais.fetching import Guard
from sais.retrying import Failed, Retried, look, retry_failed
from sais_models.wire import Wire

router = APIRouter(tags=["images"], route_class=JsonRoute)

MOST_REASONS = 100


class Retry(Wire):
    """`reasons` as rows have them, or their classes: passing, permanent, all, network, http_4xx, http_5xx; none: all
    that may pass. `after` is the `last` of the answer before; empty at first."""

    root: str
    reasons: Annotated[list[str], Field(max_length=MOST_REASONS)] = Field(default_factory=list)
    after: Annotated[str, Field(max_length=16, pattern=r"^[0-9a-f]*$")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_IMAGES)] = 500
    dry_run: bool = False
    api_key: str | None = None


class RetryAnswer(Wire):
    """`found` images are in `batches`: one for each presets, context and callbacks with which they had failed. `last`
    is the code to go on after, null at the end."""

    found: int
    last: str | None
    batches: list[int]


@router.post("/retry")
async def retry(order: Retry, token: BearerToken, state: State) -> RetryAnswer:
    """Whoever was told that an image failed is told when it is done, or when its reason has become a lasting one;
    `dryRun` finds them and sends nothing."""
    retried = await state.database.write(_retry, order, token, state.guard)
    for batch in retried.pending:
        await start_run(state, batch)
    return RetryAnswer(found=retried.found, last=retried.last, batches=[batch.id or 0 for batch in retried.batches])


def _retry(connection: Connection, order: Retry, token: str | None, guard: Guard) -> Retried:
    account = owner(connection, order.root, token or order.api_key)
    which = Failed(order.reasons, order.after, order.limit)
    return look(connection, account, which) if order.dry_run else retry_failed(connection, account, which, guard=guard)
