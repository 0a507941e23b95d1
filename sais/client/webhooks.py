"""The receiving end of a webhook: nothing in its body is believed before the signature fits."""

from collections.abc import Mapping
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from sais.errors import InputError


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
    """The payload of a webhook that the account's `webhookSecret` signed, not more than 5 minutes ago.

    `body` as it came, before any parsing. InputError for everything that is not such a webhook.
    """
    try:
        payload = Webhook(secret).verify(body, dict(headers))
    # A header cut in a wrong place or a body that is not UTF-8 is a ValueError inside the library.
    except (WebhookVerificationError, ValueError) as error:
        raise InputError(f"webhook refused: {error}", field="webhook-signature") from error
    if not isinstance(payload, dict):
        raise InputError("webhook refused: its body is not a JSON object", field="body")
    return payload
