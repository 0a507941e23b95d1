"""Who is asking: the key of a request."""

import hmac
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sais.accounts import owner

__all__ = ["BearerToken", "owner", "same_secret"]

_bearer = HTTPBearer(auto_error=False, description="The account's API key")


def _token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str | None:
    return credentials.credentials if credentials else None


BearerToken = Annotated[str | None, Depends(_token)]


def same_secret(given: str | None, expected: str) -> bool:
    """In constant time."""
    return hmac.compare_digest((given or "").encode(), expected.encode())
