"""The plain client: one account of one gateway, over httpx."""

import time
from collections.abc import Iterable, Iterator, Sequence
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


class SaisClient:
    """A context manager. Times in seconds.

    Every method raises GatewayRefused when the gateway says no (with its `title` and `detail`) and
    InfrastructureError when it cannot be reached or fails. `trust_env=False`: no proxy from the environment.
    `timeout` is longer than a gateway makes a dispatch with `wait` wait.
    """

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
        self._http = httpx.Client(base_url=checked_base_url(base_url), timeout=timeout, trust_env=trust_env)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def root(self) -> str | None:
        return self._account.root

    @property
    def api_key(self) -> str | None:
        return self._account.api_key

    def register(self, root: str, approx: int, **options: Unpack[RegisterOptions]) -> dict[str, Any]:
        """Makes the account, or sets its callbacks. `apiKey` and `webhookSecret` come only once."""
        return self._account.registered(self._ask(self._account.register(root, approx, options)))

    def account(self) -> dict[str, Any]:
        """The account, and in `media` how many of its media are in which marking."""
        return self._ask(self._account.account())

    def rotate_key(self) -> dict[str, Any]:
        """A new `apiKey`, told this once and used from now on; the former one opens nothing any more."""
        return self._account.registered(self._ask(self._account.rotate_key()))

    def rotate_webhook_secret(self) -> dict[str, Any]:
        """A new `webhookSecret`, told this once; for a day webhooks are signed with the former one too."""
        return self._ask(self._account.rotate_webhook_secret())

    def dispatch(
        self, images: Iterable[Image], presets: Sequence[str] = (), **options: Unpack[DispatchOptions]
    ) -> Dispatched:
        """One batch, at most 10,000 images; no presets means the account's own."""
        return self._ask(self._account.dispatch(images, presets, options))

    def dispatch_pieces(
        self,
        images: Iterable[Image],
        presets: Sequence[str] = (),
        *,
        size: int = PIECE_IMAGES,
        **options: Unpack[DispatchOptions],
    ) -> Iterator[Dispatched]:
        """Any number of images, `size` in a batch; each is sent when the one before it was taken out."""
        for piece in pieces(images, size):
            yield self.dispatch(piece, presets, **options)

    def upload(
        self,
        image: bytes | str | Path,
        presets: Sequence[str] = (),
        *,
        name: str = "image",
        **options: Unpack[UploadOptions],
    ) -> Dispatched:
        """An image without an address: its bytes (`name` says what they are), or the path of a file. One row."""
        return self._ask(self._account.upload(image, presets, name, options))

    def send_manifest(self, path: str | Path, presets: Sequence[str] = (), **options: Unpack[FileOptions]) -> int:
        """A list of addresses of any size (CSV, TSV, JSONL, Parquet, plain, gzip too). The batch to ask for."""
        return self._ask(self._account.send_manifest(path, presets, options))

    def request(self, preset: str, url: str, callback: str | None = None) -> dict[str, Any]:
        """The row of one image, which goes into the queue when its thumb is not there. A full queue is an error."""
        return self._ask(self._account.request(preset, url, callback))

    def iterate(
        self, *, after: str = "", offset: int = 0, limit: int = PIECE_IMAGES, dry_run: bool = False
    ) -> dict[str, Any]:
        """Sends the next `limit` unfinished media again: `found`, `batch`, and `last`, to go on `after`."""
        return self._ask(self._account.iterate(after=after, offset=offset, limit=limit, dry_run=dry_run))

    def retry(
        self, reasons: Sequence[str] = (), *, after: str = "", limit: int = PIECE_IMAGES, dry_run: bool = False
    ) -> dict[str, Any]:
        """Tries the next `limit` failed media again: `found`, `batches`, and `last`, to go on `after`.

        `reasons` are reasons or their classes; without them, all that may pass.
        """
        return self._ask(self._account.retry(reasons, after=after, limit=limit, dry_run=dry_run))

    def cancel(self, batch: int) -> dict[str, Any]:
        """What is pending in the batch is not worked on any more; the sums after that."""
        return self._ask(self._account.cancel(batch))

    def batch(self, batch: int) -> dict[str, Any]:
        """The sums as they stand: submitted, accepted, rejected, pending, done, failed, cancelled, settled."""
        return self._ask(self._account.batch(batch))

    def watch(self, batch: int, timeout: float = 600, every: float = 0.5) -> Iterator[dict[str, Any]]:
        """The sums again and again, until the batch has settled or the time is over."""
        deadline = time.monotonic() + timeout
        while True:
            sums = self.batch(batch)
            yield sums
            left = deadline - time.monotonic()
            if sums["settled"] or left <= 0:
                return
            time.sleep(min(every, left))

    def wait(self, batch: int, timeout: float = 600, every: float = 0.5) -> dict[str, Any]:
        """The last sums of `watch`."""
        *_, sums = self.watch(batch, timeout, every)
        return sums

    def media(self, codes: Iterable[str]) -> list[dict[str, Any]]:
        return self._ask(self._account.media(codes))

    def one_media(self, code: str) -> dict[str, Any]:
        return self._ask(self._account.one_media(code))

    def webhooks(
        self, marking: str = "dead", limit: int = 100, **options: Unpack[WebhookOptions]
    ) -> list[dict[str, Any]]:
        """The account's own that are `pending`, `delivered` or `dead`, the newest first."""
        return self._ask(self._account.webhooks(marking, limit, options))

    def replay_webhooks(self, **options: Unpack[WebhookOptions]) -> int:
        """Dead ones are sent again, with the same id and body; without options all. Returns how many."""
        return self._ask(self._account.replay_webhooks(options))

    def filters(self) -> list[dict[str, Any]]:
        """The presets that a dispatch may name, smallest first."""
        return self._ask(self._account.filters())

    def status(self) -> dict[str, Any]:
        return self._ask(self._account.status())

    def _ask(self, call: Call[T]) -> T:
        try:
            with request_arguments(call) as arguments:
                answer = self._http.request(**arguments)
        except httpx.TransportError as error:
            raise unreachable(self._http.base_url, error) from error
        return read_answer(call, answer)
