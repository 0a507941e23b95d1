"""The web site that the demo's photographs are fetched from, with the faults of real ones."""

import asyncio
import secrets
import zlib
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sais.demo.loopback import LoopbackServer
from sais.demo.photographs import DemoPhotograph

# Fast enough for a demo, slow enough that one sees the progress move.
LATENCY_SECONDS = (0.05, 0.15)


class Origin:
    """A context manager. `answers` counts `(path, status)`.

    Each origin serves under a folder of its own, so that a second demo at the same port sends new URLs.
    """

    def __init__(
        self,
        photographs: Iterable[DemoPhotograph],
        port: int = 0,
        latency: tuple[float, float] = LATENCY_SECONDS,
    ) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self._photographs = {photograph.path: photograph for photograph in photographs}
        self._latency = latency
        self._folder = secrets.token_hex(4)
        app = Starlette(routes=[Route(f"/{self._folder}/{{path}}", self._serve)])
        self._server = LoopbackServer(app, port)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def url_of(self, photograph: DemoPhotograph) -> str:
        return f"{self._server.url}/{self._folder}/{photograph.path}"

    async def _serve(self, request: Request) -> Response:
        path = request.path_params["path"]
        await asyncio.sleep(self._pause(path))
        answer = self._answer(path)
        self.answers[path, answer.status_code] += 1
        return answer

    def _answer(self, path: str) -> Response:
        photograph = self._photographs.get(path)
        if photograph is None or photograph.data is None:
            return PlainTextResponse("no such photograph", 404)
        if self.answers[path, 503] < photograph.busy_answers:
            return PlainTextResponse("busy", 503, headers={"Retry-After": "1"})
        return Response(photograph.data, media_type=photograph.mime)

    def _pause(self, path: str) -> float:
        """Seconds, the same for a path each time."""
        shortest, longest = self._latency
        return shortest + (longest - shortest) * (zlib.crc32(path.encode()) % 100) / 99
