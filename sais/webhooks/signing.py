"""Signing as Standard Webhooks has it: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,…`."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks.webhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """`whsec_` and 256 random bits in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signers_of(secrets_: Sequence[str]) -> list[Webhook]:
    """One for each secret, so that secrets can be changed without a gap."""
    return [Webhook(secret) for secret in secrets_]


def signed_headers(delivery_id: str, body: str, now: datetime, signers: Sequence[Webhook]) -> Mapping[str, str]:
    """The three headers, with a signature of each signer."""
    signatures = [signer.sign(delivery_id, now, body) for signer in signers]
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
