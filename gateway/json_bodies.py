"""Reading JSON bodies strictly: limited in bytes and depth, and nothing in them that cannot be stored or sent back."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

# 10,000 images with addresses of a kilobyte and a little context.
MOST_BYTES = 16 * 2**20


class JsonRequest(Request):
    """`body()` raises 413, `json()` 422."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            held = bytearray()
            async for piece in self.stream():
                held += piece
                if len(held) > MOST_BYTES:
                    raise HTTPException(413, f"the body is larger than {MOST_BYTES} bytes; send a manifest instead")
            self._body = bytes(held)
        return self._body

    async def json(self) -> Any:
        try:
            return parse(await self.body())
        except ValueError as error:
            raise HTTPException(422, f"the body is not usable JSON: {error}") from None


class JsonRoute(APIRoute):
    """A route whose handler gets a JsonRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return strict


def parse(body: bytes) -> Any:
    """Raises ValueError. The first pass refuses what is deeper than 200, no UTF-8, or half a surrogate pair; the second
    `1e999`, which would become an infinity that JSON has no word for."""
    from_json(body, allow_inf_nan=False)
    return json.loads(body, parse_float=_finite)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{digits[:20]} is out of range")
    return number
