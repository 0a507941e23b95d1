"""Where originals and thumbs are kept."""

from typing import Any

from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, MinIOCredentials
from pydantic import Field, ValidationError, field_validator

from blocks.storage_address import SLUG, StorageAddress


class SaisStorage(StorageAddress, Block):
    """A folder or an S3 bucket for SAIS. The document `archive` holds originals, `cache` holds thumbs.

    Example:
        ```python
        from blocks.storage import SaisStorage

        storage = SaisStorage.load("archive")
        ```
    """

    _block_type_name = "SAIS Storage"
    _block_type_slug = SLUG
    _description = "Where SAIS keeps originals (`archive`) or thumbs (`cache`): a folder, or an S3 bucket."

    credentials: AwsCredentials | MinIOCredentials | None = Field(
        default=None, description="For S3; empty: the environment's own AWS credentials"
    )

    @field_validator("credentials", mode="before")
    @classmethod
    def of_their_kind(cls, value: Any) -> Any:
        """A block that is chosen in the UI comes without its type, and AwsCredentials takes any fields: MinIO's would
        become AWS' without keys. Raises ValueError that does not show what is in them."""
        if not isinstance(value, dict) or "minio_root_user" not in value:
            return value
        try:
            return MinIOCredentials.model_validate(value)
        except ValidationError:
            raise ValueError("MinIO's need a user and a password, as text") from None

    def options(self) -> dict[str, Any]:
        """Keyword arguments for s3fs. They hold secrets."""
        options: dict[str, Any] = {}
        match self.credentials:
            case AwsCredentials() as aws:
                options |= {"key": aws.aws_access_key_id, "secret": _open(aws.aws_secret_access_key)}
                options |= {"token": _open(aws.aws_session_token), "profile": aws.profile_name}
            case MinIOCredentials() as minio:
                options |= {"key": minio.minio_root_user, "secret": _open(minio.minio_root_password)}
        if self.credentials is not None:
            parameters = self.credentials.aws_client_parameters
            client = {"region_name": self.credentials.region_name, "verify": parameters.verify}
            options["client_kwargs"] = {name: value for name, value in client.items() if value is not None}
            options["endpoint_url"] = parameters.endpoint_url
        return {name: value for name, value in options.items() if value is not None} | super().options()


def _open(secret: Any) -> str | None:
    return None if secret is None else secret.get_secret_value()
