"""Refuses what scanners send, before anything else is done for it."""

import logging
import time

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.keys import same_secret
from gateway.metrics import Metrics
from gateway.problems import problem
from sais.accounts import account_of_key
from sais.bots import BotRules, load_rules
from sais.catalog.threaded import ThreadedDatabase
from sais.errors import Unauthorized

log = logging.getLogger(__name__)

KEPT_SECONDS = 5.0


class BotGuard:
    """403 for a bad bot; a client with a valid key is none, whatever it asks for.

    The rules are read again after `keep` seconds. Without the database the former ones hold.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, registration_token: str | None = None, keep: float = KEPT_SECONDS
    ) -> None:
        self.app, self._metrics, self._token, self._keep = app, metrics, registration_token, keep
        self._rules, self._read_again = BotRules(), 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            database: ThreadedDatabase = scope["app"].state.gateway.database
            await self._refresh(database)
            headers = Headers(scope=scope)
            found = self._rules.match(scope["path"], headers.get("user-agent", ""), scope["state"]["client"])
            if found and not await self._is_client(headers.get("authorization", ""), database):
                self._metrics.count_bad_bot(found)
                scope["state"]["bad_bot"] = found.value
                await problem(403, "this looks like a scanner's request")(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _refresh(self, database: ThreadedDatabase) -> None:
        """The first request after `keep` seconds reads; those beside it go by the former rules."""
        if time.monotonic() < self._read_again:
            return
        self._read_again = time.monotonic() + self._keep
        try:
            self._rules = await database.read(load_rules)
        except SQLAlchemyError as error:
            log.warning("the bad-bot rules cannot be read, the former ones hold: %s", error)

    async def _is_client(self, authorization: str, database: ThreadedDatabase) -> bool:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return False
        if self._token and same_secret(token, self._token):
            return True
        try:
            return await database.read(_has_account, token)
        except SQLAlchemyError:
            return False


def _has_account(connection: Connection, key: str) -> bool:
    try:
        account_of_key(connection, key)
    except Unauthorized:
        return False
    return True
