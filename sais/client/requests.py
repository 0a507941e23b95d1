"""The requests of one account, built in one place for both clients (names as in the gateway's `/docs`)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypedDict, TypeVar
from urllib.parse import quote

from sais.client.transport import (
    Call,
    Dispatched,
    FormFile,
    read_batch_id,
    read_dispatched,
    read_list,
    read_object,
    read_replayed,
    read_row,
    read_tool_result,
)
from sais.errors import InputError

# An address, or `{"url": …, "context": {…}}`.
Image = str | Mapping[str, Any]
T = TypeVar("T")
# The predecessor's clients send 500 at a time; one answer then stays under a second and a megabyte.
PIECE_IMAGES = 500


class RegisterOptions(TypedDict, total=False):
    """`registration_token` is what SAIS_REGISTRATION_TOKEN is at the gateway, if it is set there."""

    media_callback_url: str | None
    thumb_callback_url: str | None
    batch_callback_url: str | None
    callback_mode: str | None
    layout: str | None
    registration_token: str | None


class DispatchOptions(TypedDict, total=False):
    """`context` comes back in rows and webhooks; `wait` asks for the answer when the batch has settled.

    `lane` is `quick`, for a few images that somebody waits for, or `bulk`.
    """

    context: Mapping[str, Any] | None
    media_callback_url: str | None
    thumb_callback_url: str | None
    batch_callback_url: str | None
    wait: bool
    lane: str | None


class FileOptions(TypedDict, total=False):
    """What may go with a file; `context` comes back in rows and webhooks."""

    context: Mapping[str, Any] | None
    media_callback_url: str | None
    thumb_callback_url: str | None


class UploadOptions(FileOptions, total=False):
    """`wait` asks for the answer when the image has settled."""

    wait: bool


class WebhookOptions(TypedDict, total=False):
    """Which webhooks: each that is given narrows it. `receiver` is a host, a server or a whole callback address.

    `since` and `until` are about when a webhook was written; aware times.
    """

    ids: Sequence[str]
    batch: int | None
    receiver: str | None
    since: datetime | None
    until: datetime | None


WIRE_NAMES = {
    "media_callback_url": "mediaCallbackUrl",
    "thumb_callback_url": "thumbCallbackUrl",
    "batch_callback_url": "batchCallbackUrl",
    "callback_mode": "callbackMode",
}


class AccountRequests:
    """`root` and `api_key` are filled by `registered` when the account is made through this client."""

    def __init__(self, root: str | None, api_key: str | None) -> None:
        self.root = root
        self.api_key = api_key

    def register(self, root: str, approx: int, options: RegisterOptions) -> Call[dict[str, Any]]:
        """The key of a known account goes in the body, so the Bearer is free for a registration token."""
        key = self.api_key if self.root in {root, None} else None
        body = {"root": root, "approx": approx, "apiKey": key, **on_the_wire(options)}
        token = body.pop("registration_token", None)
        return Call("POST", "/account_setup", read_object, body, token or key)

    def registered(self, account: dict[str, Any]) -> dict[str, Any]:
        """Keeps the key of a new account; an account that was there before answers with none."""
        if account.get("apiKey"):
            self.api_key = account["apiKey"]
        self.root = account["root"]
        return account

    def dispatch(self, images: Iterable[Image], presets: Sequence[str], options: DispatchOptions) -> Call[Dispatched]:
        body = {
            "root": self._known_root(),
            "images": [image if isinstance(image, str) else dict(image) for image in images],
            "filters": list(presets),
            **on_the_wire(options),
        }
        return Call("POST", "/dispatch_process", read_dispatched, body, self.api_key)

    def upload(
        self, image: bytes | str | Path, presets: Sequence[str], name: str, options: UploadOptions
    ) -> Call[Dispatched]:
        file = FormFile(name, image) if isinstance(image, bytes) else FormFile(Path(image).name, Path(image))
        return Call("POST", "/upload", read_row, self._form(presets, options), self.api_key, file)

    def send_manifest(self, path: str | Path, presets: Sequence[str], options: FileOptions) -> Call[int]:
        file = FormFile(Path(path).name, Path(path))
        return Call("POST", "/manifests", read_batch_id, self._form(presets, options), self.api_key, file)

    def account(self) -> Call[dict[str, Any]]:
        params = {"root": self.root} if self.root else {}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/get_account_info", "params": params}
        return Call("POST", "/tools", read_tool_result, body, self.api_key)

    def rotate_key(self) -> Call[dict[str, Any]]:
        return Call("POST", "/account/rotate_key", read_object, {"root": self.root}, self.api_key)

    def rotate_webhook_secret(self) -> Call[dict[str, Any]]:
        return Call("POST", "/account/rotate_webhook_secret", read_object, {"root": self.root}, self.api_key)

    def request(self, preset: str, url: str, callback: str | None) -> Call[dict[str, Any]]:
        query = {"url": url, **({"callback": callback} if callback else {})}
        return Call("GET", f"/request/{quote(preset, safe='')}", read_object, token=self.api_key, query=query)

    def iterate(self, *, after: str, offset: int, limit: int, dry_run: bool) -> Call[dict[str, Any]]:
        body = {"root": self._known_root(), "after": after, "offset": offset, "limit": limit, "dryRun": dry_run}
        return Call("POST", "/iterate", read_object, body, self.api_key)

    def retry(self, reasons: Sequence[str], *, after: str, limit: int, dry_run: bool) -> Call[dict[str, Any]]:
        body = {"root": self._known_root(), "reasons": list(reasons), "after": after, "limit": limit, "dryRun": dry_run}
        return Call("POST", "/retry", read_object, body, self.api_key)

    def cancel(self, batch: int) -> Call[dict[str, Any]]:
        return Call("POST", f"/batches/{batch:d}/cancel", read_object, {}, self.api_key)

    def _known_root(self) -> str:
        if not self.root:
            raise InputError("no account: give `root` and `api_key`, or register first", field="root")
        return self.root

    def _form(self, presets: Sequence[str], options: FileOptions) -> dict[str, Any]:
        fields = on_the_wire(options)
        if "context" in fields:
            fields["context"] = json.dumps(fields["context"])
        return {"root": self._known_root(), "filters": list(presets), **fields}

    def batch(self, batch: int) -> Call[dict[str, Any]]:
        return Call("GET", f"/batches/{batch:d}", read_object, token=self.api_key)

    def webhooks(self, marking: str, limit: int, options: WebhookOptions) -> Call[list[dict[str, Any]]]:
        query = {**_choice(options), "marking": str(marking), "limit": str(limit)}
        return Call("GET", "/webhooks", read_list, token=self.api_key, query=query)

    def replay_webhooks(self, options: WebhookOptions) -> Call[int]:
        return Call("POST", "/webhooks/replay", read_replayed, _choice(options), self.api_key)

    def media(self, codes: Iterable[str]) -> Call[list[dict[str, Any]]]:
        return Call("POST", "/fetch/media/by-ids", read_list, {"ids": list(codes)}, self.api_key)

    def one_media(self, code: str) -> Call[dict[str, Any]]:
        return Call("GET", f"/fetch/media/{quote(code, safe='')}", read_object, token=self.api_key)

    def filters(self) -> Call[list[dict[str, Any]]]:
        return Call("GET", "/filters", read_list)

    def status(self) -> Call[dict[str, Any]]:
        return Call("GET", "/status", read_object)


def _choice(options: WebhookOptions) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value not in (None, [], ())}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()}


def on_the_wire(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, under its wire name; the rest is not sent, so the account's own values stay."""
    return {WIRE_NAMES.get(name, name): value for name, value in options.items() if value is not None}


def pieces(items: Iterable[T], size: int = PIECE_IMAGES) -> Iterator[list[T]]:
    """Lists of at most `size`, read as they are needed."""
    if size < 1:
        raise InputError(f"a piece of {size} images; at least 1 is needed", field="size")
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
