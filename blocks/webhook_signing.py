"""How webhooks are signed besides with each account's own secret."""

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator
from standardwebhooks.webhooks import Webhook

DEFAULT = "default"


class SaisWebhookSigning(Block):
    """Secrets that sign every webhook as well, for a receiver that serves many accounts or while a secret changes.

    Example:
        ```python
        from blocks.webhook_signing import SaisWebhookSigning

        signing = SaisWebhookSigning.load("default")
        ```
    """

    _block_type_name = "SAIS Webhook Signing"
    _block_type_slug = "sais-webhook-signing"
    _description = "Signs every webhook with a shared secret too, besides the secret of its account."

    shared_secret: SecretStr | None = Field(
        default=None, description="`whsec_…` as Standard Webhooks has it; empty: only the account's own secret signs"
    )

    @field_validator("shared_secret")
    @classmethod
    def usable(cls, value: SecretStr | None) -> SecretStr | None:
        """Raises ValueError for a secret that cannot sign."""
        if value is None or not value.get_secret_value():
            return None
        try:
            Webhook(value.get_secret_value())
        except Exception as error:
            raise ValueError("the secret must be whsec_ and base64") from error
        return value
