"""Who is asking: the key of a request."""

import hmac
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sais.accounts import owner
from sais.errors import Forbidden, Unauthorized

__all__ = ["BearerToken", "check_operator", "owner", "same_secret"]

_bearer = HTTPBearer(auto_error=False, description="The account's API key")


def _token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str | None:
    return credentials.credentials if credentials else None


BearerToken = Annotated[str | None, Depends(_token)]


def same_secret(given: str | None, expected: str) -> bool:
    """In constant time."""
    return hmac.compare_digest((given or "").encode(), expected.encode())


def check_operator(token: str | None, registration_token: str | None) -> None:
    """Raises Unauthorized, or Forbidden where no token makes an operator known.

    Loopback is no proof: the proxy in front of the gateway and every account's program on this machine come from there,
    and a rule of one account would shut out the others.
    """
    if not registration_token:
        raise Forbidden(
            "only the operator may: set SAIS_REGISTRATION_TOKEN, or use `sais bots` on the gateway's machine"
        )
    if not same_secret(token, registration_token):
        raise Unauthorized("only the operator may: the Bearer must be the registration token")
