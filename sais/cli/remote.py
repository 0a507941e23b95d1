"""The same commands at a gateway, when SAIS_URL names one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sais.cli.orders import Sent
from sais.client import SaisClient
from sais.client.requests import WebhookOptions
from sais.errors import InputError
from sais.iterating import Piece
from sais.retrying import Failed
from sais.settings import Settings
from sais_models import DeliveryMarking
from sais_models.wire import AccountSetup, WebhookChoice


def open_client(settings: Settings, root: str | None = None, key: str | None = None) -> SaisClient:
    """For the gateway at SAIS_URL."""
    return SaisClient(settings.url or settings.public_url, root, key or settings.api_key)


def register(settings: Settings, setup: AccountSetup, key: str | None) -> dict[str, Any]:
    with open_client(settings, setup.root, key) as client:
        return client.register(
            setup.root,
            setup.approx,
            media_callback_url=setup.media_callback_url,
            thumb_callback_url=setup.thumb_callback_url,
            registration_token=settings.registration_token,
        )


class Gateway:
    """Raises GatewayRefused, InfrastructureError, InputError for a file that cannot be sent."""

    def __init__(self, client: SaisClient) -> None:
        self._client = client

    def send_urls(self, urls: Sequence[str], presets: Sequence[str]) -> Sent:
        return Sent(self._client.dispatch(urls, presets).batch)

    def send_manifest(self, manifest: str, presets: Sequence[str]) -> Sent:
        if "://" in manifest:
            raise InputError("with SAIS_URL a manifest is a file of this machine", field="manifest")
        return Sent(self._client.send_manifest(manifest, presets))

    def send_file(self, path: Path, presets: Sequence[str]) -> Sent:
        sent = self._client.upload(path, presets)
        return Sent(sent.batch, sent.rows)

    def sums(self, batch: int) -> dict[str, Any]:
        return self._client.batch(batch)

    def watch(self, batch: int) -> Iterator[dict[str, Any]]:
        return self._client.watch(batch, timeout=float("inf"), every=1.0)


@contextmanager
def opened(settings: Settings, root: str) -> Iterator[Gateway]:
    with open_client(settings, root) as client:
        yield Gateway(client)


def counts(settings: Settings, root: str | None) -> tuple[str, dict[str, int]]:
    """The account of the key, and its media by marking."""
    with open_client(settings, root) as client:
        account = client.account()
        return account["root"], account["media"]


def iterate_piece(client: SaisClient, piece: Piece, dry_run: bool) -> dict[str, Any]:
    return client.iterate(after=piece.after, offset=piece.offset, limit=piece.limit, dry_run=dry_run)


def list_webhooks(
    settings: Settings, root: str | None, marking: DeliveryMarking, choice: WebhookChoice, limit: int
) -> list[dict[str, Any]]:
    with open_client(settings, root) as client:
        return client.webhooks(marking, limit, **_of_account(client, root, choice))


def replay_webhooks(settings: Settings, root: str | None, choice: WebhookChoice) -> int:
    with open_client(settings, root) as client:
        return client.replay_webhooks(**_of_account(client, root, choice))


def _of_account(client: SaisClient, root: str | None, choice: WebhookChoice) -> WebhookOptions:
    """Raises GatewayRefused when the key is of another account than `root`."""
    if root is not None:
        client.account()
    return {
        "ids": choice.ids,
        "batch": choice.batch,
        "receiver": choice.receiver,
        "since": choice.since,
        "until": choice.until,
    }


def retry_piece(client: SaisClient, which: Failed, dry_run: bool) -> dict[str, Any]:
    return client.retry(which.reasons, after=which.after, limit=which.limit, dry_run=dry_run)
