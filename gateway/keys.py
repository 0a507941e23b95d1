"""Who is asking: the key of a request, and what it opens."""

import hmac
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Connection

from sais.accounts import account_of_key
from sais_models import Account

_bearer = HTTPBearer(auto_error=False, description="The account's API key")


def _token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str | None:
    return credentials.credentials if credentials else None


BearerToken = Annotated[str | None, Depends(_token)]


def owner(connection: Connection, root: str, key: str | None) -> Account:
    """The account `root`, for its own key. Raises Unauthorized, and 403 for the key of another account.

    An unknown root is told from a known one only to those who have its key.
    """
    account = account_of_key(connection, key)
    if account.root != root:
        raise HTTPException(403, "this key belongs to another account")
    return account


def same_secret(given: str | None, expected: str) -> bool:
    """In constant time."""
    return hmac.compare_digest((given or "").encode(), expected.encode())
