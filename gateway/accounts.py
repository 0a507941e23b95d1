"""`POST /account_setup`: making an account, or changing one with its key."""

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken, owner, same_secret
from gateway.state import State
from sais.accounts import set_up_account
from sais.addressing import check_root
from sais.catalog.accounts import find_account
from sais.errors import Unauthorized
from sais.fetching import Guard
from sais_models.wire import AccountInfo, AccountSetup

router = APIRouter(tags=["accounts"], route_class=JsonRoute)


@router.post("/account_setup")
@router.post("/account_setup.json", include_in_schema=False)
async def account_setup(setup: AccountSetup, token: BearerToken, state: State, response: Response) -> AccountInfo:
    """Makes the account; for a root that is there, sets its callbacks, which needs its key.

    The Bearer is the registration token where the gateway has one, else it may be the key.
    """
    response.headers["Cache-Control"] = "no-store"
    return await state.database.write(_set_up, setup, token, state.settings.registration_token, state.guard)


def _set_up(
    connection: Connection, setup: AccountSetup, token: str | None, registration_token: str | None, guard: Guard
) -> AccountInfo:
    key = setup.api_key or token
    if find_account(connection, check_root(setup.root)) is None:
        if registration_token and not same_secret(token, registration_token):
            raise Unauthorized("making an account needs the registration token")
    else:
        owner(connection, setup.root, key)
    return set_up_account(connection, setup, guard=guard, key=key)
