"""The async twin of SaisClient: the same requests, the same answers, the same errors."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from sais.client.requests import (
    PIECE_IMAGES,
    AccountRequests,
    DispatchOptions,
    FileOptions,
    Image,
    RegisterOptions,
    UploadOptions,
    WebhookOptions,
    pieces,
)
from sais.client.transport import Call, Dispatched, checked_base_url, read_answer, request_arguments, unreachable

T = TypeVar("T")


class AsyncSaisClient:
    """An async context manager; see SaisClient for what each method gives and raises."""

    def __init__(
        self,
        base_url: str,
        root: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 90,
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

    async def account(self) -> dict[str, Any]:
        return await self._ask(self._account.account())

    async def rotate_key(self) -> dict[str, Any]:
        return self._account.registered(await self._ask(self._account.rotate_key()))

    async def rotate_webhook_secret(self) -> dict[str, Any]:
        return await self._ask(self._account.rotate_webhook_secret())

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

    async def upload(
        self,
        image: bytes | str | Path,
        presets: Sequence[str] = (),
        *,
        name: str = "image",
        **options: Unpack[UploadOptions],
    ) -> Dispatched:
        return await self._ask(self._account.upload(image, presets, name, options))

    async def send_manifest(self, path: str | Path, presets: Sequence[str] = (), **options: Unpack[FileOptions]) -> int:
        return await self._ask(self._account.send_manifest(path, presets, options))

    async def request(self, preset: str, url: str, callback: str | None = None) -> dict[str, Any]:
        return await self._ask(self._account.request(preset, url, callback))

    async def iterate(
        self, *, after: str = "", offset: int = 0, limit: int = PIECE_IMAGES, dry_run: bool = False
    ) -> dict[str, Any]:
        return await self._ask(self._account.iterate(after=after, offset=offset, limit=limit, dry_run=dry_run))

    async def retry(
        self, reasons: Sequence[str] = (), *, after: str = "", limit: int = PIECE_IMAGES, dry_run: bool = False
    ) -> dict[str, Any]:
        return await self._ask(self._account.retry(reasons, after=after, limit=limit, dry_run=dry_run))

    async def cancel(self, batch: int) -> dict[str, Any]:
        return await self._ask(self._account.cancel(batch))

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

    async def one_media(self, code: str) -> dict[str, Any]:
        return await self._ask(self._account.one_media(code))

    async def webhooks(
        self, marking: str = "dead", limit: int = 100, **options: Unpack[WebhookOptions]
    ) -> list[dict[str, Any]]:
        return await self._ask(self._account.webhooks(marking, limit, options))

    async def replay_webhooks(self, **options: Unpack[WebhookOptions]) -> int:
        return await self._ask(self._account.replay_webhooks(options))

    async def filters(self) -> list[dict[str, Any]]:
        return await self._ask(self._account.filters())

    async def status(self) -> dict[str, Any]:
        return await self._ask(self._account.status())

    async def _ask(self, call: Call[T]) -> T:
        try:
            with request_arguments(call) as arguments:
                answer = await self._http.request(**arguments)
        except httpx.TransportError as error:
            raise unreachable(self._http.base_url, error) from error
        return read_answer(call, answer)
