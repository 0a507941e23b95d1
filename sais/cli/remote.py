"""The same commands at a gateway, when SAIS_URL names one."""

from pathlib import Path
from typing import Any

from sais.cli.output import follow
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


def queue(
    settings: Settings, root: str, urls: list[str], manifest: str | None, presets: list[str], wait: bool
) -> dict[str, Any]:
    """The sums of the batch; with `wait`, when it has settled."""
    with open_client(settings, root) as client:
        batch = client.send_manifest(_local(manifest), presets) if manifest else client.dispatch(urls, presets).batch
        return follow(client.watch(batch, timeout=float("inf"), every=1.0)) if wait else client.batch(batch)


def _local(manifest: str) -> Path:
    if "://" in manifest:
        raise InputError("with SAIS_URL a manifest is a file of this machine", field="manifest")
    return Path(manifest)


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
