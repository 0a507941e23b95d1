"""The account's own outbox: what waits, what arrived, what is dead; and dead ones sent again."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Connection

from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken
from gateway.state import State
from sais.accounts import account_of_key
from sais.webhooks.dead_letters import list_webhooks, replay_webhooks
from sais_models import DeliveryMarking
from sais_models.wire import Replayed, WebhookChoice, WebhookRow

router = APIRouter(tags=["webhooks"], route_class=JsonRoute)

MOST_ROWS = 10_000


class WebhookQuestion(WebhookChoice):
    """`GET /webhooks`: of which marking, and how many at most."""

    marking: DeliveryMarking = DeliveryMarking.DEAD
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100


class ReplayOrder(WebhookChoice):
    """`POST /webhooks/replay`; the key as Bearer or here."""

    api_key: str | None = None


@router.get("/webhooks")
async def read_webhooks(
    question: Annotated[WebhookQuestion, Query()], token: BearerToken, state: State
) -> list[WebhookRow]:
    """The newest first."""
    return await state.database.read(_own_webhooks, question, token)


@router.post("/webhooks/replay")
async def replay(token: BearerToken, state: State, order: ReplayOrder | None = None) -> Replayed:
    """Puts dead webhooks back into the outbox, with the same id and body; without a choice all of the account."""
    return await state.database.write(_replay, order or ReplayOrder(), token)


def _own_webhooks(connection: Connection, question: WebhookQuestion, key: str | None) -> list[WebhookRow]:
    account = account_of_key(connection, key)
    return list_webhooks(connection, question.marking, question, root=account.root, limit=question.limit)


def _replay(connection: Connection, order: ReplayOrder, token: str | None) -> Replayed:
    account = account_of_key(connection, order.api_key or token)
    return Replayed(replayed=replay_webhooks(connection, order, root=account.root))
