"""Where the state of every image is kept."""

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

DEFAULT = "default"


class SaisDatabase(Block):
    """The database of media, thumbs, batches and webhooks.

    Example:
        ```python
        from blocks.database import SaisDatabase

        database = SaisDatabase.load("default")
        ```
    """

    _block_type_name = "SAIS Database"
    _block_type_slug = "sais-database"
    _description = "The database that holds the state of every image. The gateway must be given the same one."

    url: SecretStr | None = Field(
        default=None,
        title="Address",
        description="`postgresql://user:password@host/name` or `sqlite:////file`; empty: as SAIS_DATABASE_URL says",
    )
