"""One JSON line a request, with the id that follows it into batch, flow run and webhook."""

import json
import logging
import sys
import time
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.client_address import Network, client_address
from gateway.metrics import Metrics
from sais.request_ids import REQUEST_ID, sane_request_id

log = logging.getLogger("gateway.access")

HEADER = "X-Request-Id"
UNMATCHED = "(none)"
LONGEST = 500


@dataclass
class Answer:
    """`status` is 500 until there is another: an error that nobody caught."""

    status: int = 500
    size: int = 0


class AccessLog:
    """The outermost layer. `scope["state"]` holds `request_id` and `client` for those within."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, trusted: Sequence[Network] = (), lines: bool = True) -> None:
        self.app, self._metrics, self._trusted, self._lines = app, metrics, trusted, lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = sane_request_id(Headers(scope=scope).get(HEADER))
        state = scope.setdefault("state", {})
        state["request_id"], state["client"] = request_id, client_address(scope, self._trusted)
        answer, start, mark = Answer(), time.perf_counter(), REQUEST_ID.set(request_id)

        async def watched(message: Message) -> None:
            _note(answer, message, request_id)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            REQUEST_ID.reset(mark)
            self._tell(scope, answer, time.perf_counter() - start)

    def _tell(self, scope: Scope, answer: Answer, seconds: float) -> None:
        route = route_of(scope)
        self._metrics.count_request(scope["method"], route, answer.status, seconds)
        if self._lines and log.isEnabledFor(logging.INFO):
            log.info(json.dumps(line_of(scope, route, answer, seconds), ensure_ascii=True, separators=(",", ":")))


def _note(answer: Answer, message: MutableMapping[str, Any], request_id: str) -> None:
    if message["type"] == "http.response.start":
        answer.status = message["status"]
        MutableHeaders(scope=message)[HEADER] = request_id
    elif message["type"] == "http.response.body":
        answer.size += len(message.get("body", b""))


def route_of(scope: Scope) -> str:
    """The template of the path, as `/batches/{batch_id}`."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNMATCHED


def line_of(scope: Scope, route: str, answer: Answer, seconds: float) -> dict[str, object]:
    """Never the query nor a header that may hold a key."""
    state = scope["state"]
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request": state["request_id"],
        "client": state["client"],
        "method": scope["method"][:LONGEST],
        "path": scope["path"][:LONGEST],
        "route": route,
        "status": answer.status,
        "bytes": answer.size,
        "ms": round(seconds * 1000, 1),
        "agent": Headers(scope=scope).get("user-agent", "")[:LONGEST],
    }
    return line | ({"badBot": state["bad_bot"]} if "bad_bot" in state else {})


def print_lines() -> None:
    """On standard output, alone: what the program has to say otherwise is on standard error."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
