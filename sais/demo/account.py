"""The demo's account, kept between demos in `demo-account.json` of the home folder, readable by its owner only."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sais.client import SaisClient
from sais.errors import GatewayRefused, InfrastructureError

FILE_NAME = "demo-account.json"
EXPECTED_IMAGES = 1_000
MOST_ROOTS = 100
# What the gateway says to a root that is somebody else's, or ours with a key that was lost.
TAKEN = {401, 403, 409}


@dataclass(frozen=True)
class DemoAccount:
    root: str
    api_key: str
    webhook_secret: str


def open_account(url: str, home: Path, registration_token: str | None = None) -> DemoAccount:
    """The account of the last demo, else a new one: `demo`, or `demo-2`, `demo-3` … when that is taken.

    `url` is the gateway's. InfrastructureError when a hundred roots are taken.
    """
    kept = load(home / FILE_NAME)
    for root in candidates(kept):
        key = kept.api_key if kept and kept.root == root else None
        account = register(url, root, key, registration_token)
        if account is None:
            continue
        if account.get("apiKey"):
            made = DemoAccount(root, account["apiKey"], account["webhookSecret"])
            save(home / FILE_NAME, made)
            return made
        if kept and kept.root == root:
            return kept
    raise InfrastructureError(f"{MOST_ROOTS} demo accounts are there, and the key of none is known")


def candidates(kept: DemoAccount | None) -> Iterator[str]:
    if kept:
        yield kept.root
    yield "demo"
    yield from (f"demo-{number}" for number in range(2, MOST_ROOTS + 1))


def register(url: str, root: str, key: str | None, registration_token: str | None) -> dict[str, Any] | None:
    """The gateway's answer, or None when the root is taken."""
    with SaisClient(url, root, key, trust_env=False) as client:
        try:
            return client.register(root, EXPECTED_IMAGES, registration_token=registration_token)
        except GatewayRefused as refused:
            if refused.status in TAKEN:
                return None
            raise


def load(path: Path) -> DemoAccount | None:
    """None as well when the file is not one that `save` wrote."""
    try:
        return DemoAccount(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def save(path: Path, account: DemoAccount) -> None:
    """The file appears whole, and is never readable by others, not even for a moment."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(account), file)
    beside.replace(path)
