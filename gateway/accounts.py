"""Making an account, changing it with its key, and changing its key and its webhook secret."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken, owner, same_secret
from gateway.state import State
from sais.accounts import account_of_key, rotate_key, rotate_webhook_secret, set_up_account
from sais.addressing import check_root
from sais.catalog.accounts import find_account
from sais.errors import Unauthorized
from sais.fetching import Guard
from sais.quotas import Limits
from sais.settings import Settings
from sais_models import Account
from sais_models.wire import AccountInfo, AccountSetup, Wire

router = APIRouter(tags=["accounts"], route_class=JsonRoute)

Rotation = Callable[[Connection, Account], AccountInfo]


class OwnAccount(Wire):
    """The key says which account; a `root` that is given must be its own."""

    root: str | None = None
    api_key: str | None = None


@router.post("/account_setup")
@router.post("/account_setup.json", include_in_schema=False)
async def account_setup(setup: AccountSetup, token: BearerToken, state: State, response: Response) -> AccountInfo:
    """Makes the account; for a root that is there, sets its callbacks, which needs its key.

    The Bearer is the registration token where the gateway has one, else it may be the key.
    """
    response.headers["Cache-Control"] = "no-store"
    return await state.database.write(_set_up, setup, token, state.settings, state.guard)


def _set_up(
    connection: Connection, setup: AccountSetup, token: str | None, settings: Settings, guard: Guard
) -> AccountInfo:
    key = setup.api_key or token
    if find_account(connection, check_root(setup.root)) is None:
        needed = settings.registration_token
        if needed and not same_secret(token, needed):
            raise Unauthorized("making an account needs the registration token")
    else:
        owner(connection, setup.root, key)
    limits = Limits.for_new_accounts(settings)
    return set_up_account(connection, setup, guard=guard, key=key, limits=limits)


@router.post("/account/rotate_key")
async def change_key(
    token: BearerToken, state: State, response: Response, account: OwnAccount | None = None
) -> AccountInfo:
    """A new key in `apiKey`, shown this once; the former one opens nothing any more."""
    response.headers["Cache-Control"] = "no-store"
    return await state.database.write(_rotate, rotate_key, account or OwnAccount(), token)


@router.post("/account/rotate_webhook_secret")
async def change_webhook_secret(
    token: BearerToken, state: State, response: Response, account: OwnAccount | None = None
) -> AccountInfo:
    """A new secret in `webhookSecret`, shown this once; for a day webhooks are signed with the former one too."""
    response.headers["Cache-Control"] = "no-store"
    return await state.database.write(_rotate, rotate_webhook_secret, account or OwnAccount(), token)


def _rotate(connection: Connection, rotation: Rotation, own: OwnAccount, token: str | None) -> AccountInfo:
    key = own.api_key or token
    account = account_of_key(connection, key) if own.root is None else owner(connection, own.root, key)
    return rotation(connection, account)
