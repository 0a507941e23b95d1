"""The async twin of SaisClient: the same requests, the same answers, the same errors."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from sais.client.requests import (
    PIECE_IMAGES,
    AccountRequests,
    DispatchOptions,
    Image,
    RegisterOptions,
    pieces,
)
from sais.client.transport import Call, Dispatched, checked_base_url, read_answer, unreachable

T = TypeVar("T")


class AsyncSaisClient:
    """An async context manager; see SaisClient for what each method gives and raises."""

    def __init__(
        self,
        base_url: str,
        root: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 60,
        trust_env: bool = True,
    ) -> None:
        self._account = AccountRequests(root, api_key)
        self._http = httpx.AsyncClient(base_url=checked_base_url(base_url), timeout=timeout, trust_env=trust_env)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def root(self) -> str | None:
        return self._account.root

    @property
    def api_key(self) -> str | None:
        return self._account.api_key

    async def register(self, root: str, approx: int, **options: Unpack[RegisterOptions]) -> dict[str, Any]:
        return self._account.registered(await self._ask(self._account.register(root, approx, options)))

    async def dispatch(
        self, images: Iterable[Image], presets: Sequence[str] = (), **options: Unpack[DispatchOptions]
    ) -> Dispatched:
        return await self._ask(self._account.dispatch(images, presets, options))

    async def dispatch_pieces(
        self,
        images: Iterable[Image],
        presets: Sequence[str] = (),
        *,
        size: int = PIECE_IMAGES,
        **options: Unpack[DispatchOptions],
    ) -> AsyncIterator[Dispatched]:
        for piece in pieces(images, size):
            yield await self.dispatch(piece, presets, **options)

    async def batch(self, batch: int) -> dict[str, Any]:
        return await self._ask(self._account.batch(batch))

    # The time-out ends the iteration with the last sums; cancelling from outside would lose them.
    async def watch(
        self,
        batch: int,
        timeout: float = 600,  # noqa: ASYNC109
        every: float = 0.5,
    ) -> AsyncIterator[dict[str, Any]]:
        deadline = time.monotonic() + timeout
        while True:
            sums = await self.batch(batch)
            yield sums
            left = deadline - time.monotonic()
            if sums["settled"] or left <= 0:
                return
            await asyncio.sleep(min(every, left))

    async def wait(
        self,
        batch: int,
        timeout: float = 600,  # noqa: ASYNC109
        every: float = 0.5,
    ) -> dict[str, Any]:
        *_, sums = [sums async for sums in self.watch(batch, timeout, every)]
        return sums

    async def media(self, codes: Iterable[str]) -> list[dict[str, Any]]:
        return await self._ask(self._account.media(codes))

    async def status(self) -> dict[str, Any]:
        return await self._ask(self._account.status())

    async def _ask(self, call: Call[T]) -> T:
        try:
            answer = await self._http.request(call.method, call.path, json=call.body, headers=call.headers)
        except httpx.TransportError as error:
            raise unreachable(self._http.base_url, error) from error
        return read_answer(call, answer)
