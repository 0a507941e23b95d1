"""`POST /iterate`: an account's unfinished media, sent again a batch at a time."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from gateway.dispatch import MOST_IMAGES, start_run
from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken, owner
from gateway.state import State
from sais.fetching import Guard
from sais.iterating import Again, Piece, look, send_again
from sais_models.wire import Wire

router = APIRouter(tags=["images"], route_class=JsonRoute)

LARGEST_OFFSET = 2**31 - 1


class Iteration(Wire):
    """`after` is the `last` of the answer before; empty at first."""

    root: str
    after: Annotated[str, Field(max_length=16, pattern=r"^[0-9a-f]*$")] = ""
    offset: Annotated[int, Field(ge=0, le=LARGEST_OFFSET)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_IMAGES)] = 500
    dry_run: bool = False
    api_key: str | None = None


class Iterated(Wire):
    """`found` media are in `batch`, null when nothing was sent; `last` is the code to go on after, null at the end."""

    found: int
    last: str | None
    batch: int | None


@router.post("/iterate")
async def iterate(order: Iteration, token: BearerToken, state: State, response: Response) -> Iterated:
    """Media that were never worked on to the end, that lack a thumb of the account's presets, or that failed for a
    passing reason; `dryRun` finds them and sends nothing."""
    again = await state.database.write(_iterate, order, token, state.guard)
    if again.batch is None:
        return Iterated(found=again.found, last=again.last, batch=None)
    if again.pending:
        await start_run(state, again.batch)
    response.headers["X-Sais-Batch"] = str(again.batch.id)
    return Iterated(found=again.found, last=again.last, batch=again.batch.id)


def _iterate(connection: Connection, order: Iteration, token: str | None, guard: Guard) -> Again:
    account = owner(connection, order.root, token or order.api_key)
    piece = Piece(order.after, order.offset, order.limit)
    return look(connection, account, piece) if order.dry_run else send_again(connection, account, piece, guard=guard)
