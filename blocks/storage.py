"""Where originals and thumbs are kept."""

from typing import Any

from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, MinIOCredentials
from pydantic import Field, field_validator

ARCHIVE = "archive"
CACHE = "cache"


class SaisStorage(Block):
    """A folder or an S3 bucket for SAIS. The document `archive` holds originals, `cache` holds thumbs.

    Example:
        ```python
        from blocks.storage import SaisStorage

        storage = SaisStorage.load("archive")
        ```
    """

    _block_type_name = "SAIS Storage"
    _block_type_slug = "sais-storage"
    _description = "Where SAIS keeps originals (`archive`) or thumbs (`cache`): a folder, or an S3 bucket."

    url: str | None = Field(
        default=None,
        title="Address",
        description="`file:///folder` or `s3://bucket/prefix`; empty: as SAIS_ARCHIVE_URL or SAIS_CACHE_URL says",
    )
    credentials: AwsCredentials | MinIOCredentials | None = Field(
        default=None, description="For S3; empty: the environment's own AWS credentials"
    )
    endpoint_url: str | None = Field(
        default=None,
        title="Endpoint",
        description="Address of an S3 server that is not AWS, as https://s3.example.org; goes before the credentials'",
    )

    @field_validator("url")
    @classmethod
    def known_scheme(cls, value: str | None) -> str | None:
        """Raises ValueError for an address that SAIS cannot open."""
        if value and not value.startswith(("file:///", "s3://")):
            raise ValueError("the address must start with file:/// or s3://")
        return value or None

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
        options["endpoint_url"] = self.endpoint_url or options.get("endpoint_url")
        return {name: value for name, value in options.items() if value is not None}


def _open(secret: Any) -> str | None:
    return None if secret is None else secret.get_secret_value()
