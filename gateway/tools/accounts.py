"""Tools about accounts."""

from typing import Any

from fastapi import Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from gateway.accounts import account_setup
from gateway.keys import owner
from gateway.tools.definition import Caller, Tool
from sais.accounts import account_of_key, info_of
from sais.catalog.media import count_by_marking
from sais.quotas import Limits, usage_of
from sais_models import MediaMarking
from sais_models.wire import AccountSetup, Wire


def _with_estimated(schema: dict[str, Any]) -> None:
    """The other name of `approx`, which pydantic leaves out: a client that checks arguments first would refuse it."""
    schema["properties"]["estimated"] = schema["properties"]["approx"] | {"title": "Estimated"}


class NewAccount(AccountSetup):
    model_config = ConfigDict(json_schema_extra=_with_estimated)


class AccountQuestion(Wire):
    root: str | None = Field(None, description="Which account; without it, the key's own")
    api_key: str | None = Field(None, description="The account's key, when it is not sent as the Bearer")


async def create_account(caller: Caller, setup: NewAccount) -> dict[str, Any]:
    info = await account_setup(setup, caller.token, caller.state, Response())
    return info.body()


async def get_account_info(caller: Caller, question: AccountQuestion) -> dict[str, Any]:
    key = question.api_key or caller.token
    return await caller.state.database.read(_account_info, question.root, key)


def _account_info(connection: Connection, root: str | None, key: str | None) -> dict[str, Any]:
    account = account_of_key(connection, key) if root is None else owner(connection, root, key)
    counts = count_by_marking(connection, account.root).get(account.root, {})
    return info_of(account).body() | {
        "media": {marking.value: counts.get(marking, 0) for marking in MediaMarking},
        "limits": Limits.of(account).wire().body(),
        "usage": usage_of(connection, account.root).body(),
    }


CREATE_ACCOUNT = Tool(
    "create_account",
    "Makes an account, or with its key changes its callbacks. The answer to a new account holds its apiKey and "
    "webhookSecret, which are never told again. `estimated` is another name of `approx`, how many images are expected.",
    NewAccount,
    create_account,
    also=("account_setup",),
)
GET_ACCOUNT_INFO = Tool(
    "get_account_info",
    "An account's settings, its limits and what it has used of them, and how many of its media are in which marking.",
    AccountQuestion,
    get_account_info,
)
