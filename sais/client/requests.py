"""The requests of one account, built in one place for both clients (names as in the gateway's `/docs`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypedDict, TypeVar

from sais.client.transport import Call, Dispatched, read_dispatched, read_list, read_object
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
    wait: bool
    lane: str | None


WIRE_NAMES = {
    "media_callback_url": "mediaCallbackUrl",
    "thumb_callback_url": "thumbCallbackUrl",
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
        if not self.root:
            raise InputError("no account: give `root` and `api_key`, or register first", field="root")
        body = {
            "root": self.root,
            "images": [image if isinstance(image, str) else dict(image) for image in images],
            "filters": list(presets),
            **on_the_wire(options),
        }
        return Call("POST", "/dispatch_process", read_dispatched, body, self.api_key)

    def batch(self, batch: int) -> Call[dict[str, Any]]:
        return Call("GET", f"/batches/{batch:d}", read_object, token=self.api_key)

    def media(self, codes: Iterable[str]) -> Call[list[dict[str, Any]]]:
        return Call("POST", "/fetch/media/by-ids", read_list, {"ids": list(codes)}, self.api_key)

    def status(self) -> Call[dict[str, Any]]:
        return Call("GET", "/status", read_object)


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
