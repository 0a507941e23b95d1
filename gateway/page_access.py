"""Who may see the pages: on a loopback address anybody, elsewhere who knows the registration token."""

from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from gateway.keys import same_secret
from gateway.state import State
from sais.runs import is_loopback

_basic = HTTPBasic(auto_error=False)


def _check(credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)], state: State) -> None:
    """The password is the token, the user name does not matter: browsers ask for both by themselves."""
    if is_loopback(state.settings.host):
        return
    token = state.settings.registration_token
    if token is None or credentials is None or not same_secret(credentials.password, token):
        raise HTTPException(401, "the pages need the registration token", {"WWW-Authenticate": 'Basic realm="SAIS"'})


PageAccess = Depends(_check)
