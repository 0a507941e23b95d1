"""The client application of the demo: it takes webhooks, and believes those that its account's secret signed."""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sais.client.webhooks import verify_webhook
from sais.demo.loopback import LoopbackServer
from sais.errors import InputError


class Receiver:
    """A context manager. `refused` counts what was answered with 400."""

    def __init__(self, secret: str, port: int = 0) -> None:
        self.refused = 0
        self._secret = secret
        self._payloads: dict[str, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._server = LoopbackServer(Starlette(routes=[Route("/sais", self._take, methods=["POST"])]), port)
        self.url = f"{self._server.url}/sais"

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def webhook(self, code: str) -> dict[str, Any] | None:
        """The latest payload about this media, verified."""
        with self._news:
            return self._payloads.get(code)

    def wait_for(self, codes: Iterable[str], timeout: float) -> set[str]:
        """Waits for a webhook for each code, at most `timeout` seconds; gives the codes without one."""
        wanted = set(codes)
        with self._news:
            self._news.wait_for(lambda: wanted <= self._payloads.keys(), timeout)
            return wanted - self._payloads.keys()

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        # In a thread, because the lock is one of threads and must not hold up the server's loop.
        return await run_in_threadpool(self._answer, body, request)

    def _answer(self, body: bytes, request: Request) -> Response:
        try:
            payload = verify_webhook(body, request.headers, self._secret)
            code = payload.get("code")
            if not isinstance(code, str):
                raise InputError("a webhook without a code", field="code")
        except InputError as error:
            return self._refuse(error)
        with self._news:
            self._payloads[code] = payload
            self._news.notify_all()
        return Response(status_code=204)

    def _refuse(self, error: InputError) -> Response:
        with self._news:
            self.refused += 1
        problem = {"type": "about:blank", "title": "refused", "status": 400, "detail": str(error)}
        return JSONResponse(problem, 400, media_type="application/problem+json")
