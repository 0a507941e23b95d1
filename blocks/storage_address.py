"""Where a storage is, without credentials: all that most runs need to know of its block.

Apart from `blocks/storage.py`, because that imports prefect_aws, which takes as long as Prefect's own client.
"""

from typing import Any, Final

from pydantic import BaseModel, Field, field_validator

ARCHIVE: Final = "archive"
CACHE: Final = "cache"
SLUG: Final = "sais-storage"


class StorageAddress(BaseModel):
    """A folder, or an S3 bucket that the environment's own credentials open."""

    url: str | None = Field(
        default=None,
        title="Address",
        description="`file:///folder` or `s3://bucket/prefix`; empty: as SAIS_ARCHIVE_URL or SAIS_CACHE_URL says",
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
        """Keyword arguments for s3fs."""
        return {"endpoint_url": self.endpoint_url} if self.endpoint_url else {}
