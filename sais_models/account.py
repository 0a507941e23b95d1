"""Account: one client application, its keys and the layout of its files."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger
from sqlmodel import JSON, Field, SQLModel

from sais_models.columns import UtcDateTime, enum_column, utc_now


class Layout(StrEnum):
    """How an account's files are spread over directories; chosen once, never recomputed (contract: addresses)."""

    OCTAL2 = "octal2"
    OCTAL3 = "octal3"
    HEX22 = "hex22"


class CallbackMode(StrEnum):
    """One POST for each media, or one for all media of a chunk that settled together."""

    EACH = "each"
    BATCH = "batch"


class Account(SQLModel, table=True):
    """`root` is the identity and the first element of every path; the API key is kept only as a hash.

    The limits are the operator's, null for none: images in all, bytes downloaded a day, images that wait.
    The former webhook secret signs too until `former_secret_until`, so that receivers can change to the new one. An
    account with `deleted_at` is only there until its last webhooks are delivered: they are signed with its secret.
    """

    root: str = Field(primary_key=True, max_length=50)
    approx: int
    layout: Layout = Field(sa_type=enum_column(Layout))
    key_hash: str
    webhook_secret: str
    former_webhook_secret: str | None = None
    former_secret_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    media_callback_url: str | None = None
    thumb_callback_url: str | None = None
    batch_callback_url: str | None = None
    callback_mode: CallbackMode = Field(default=CallbackMode.EACH, sa_type=enum_column(CallbackMode))
    image_limit: int | None = Field(default=None, sa_type=BigInteger)
    daily_bytes_limit: int | None = Field(default=None, sa_type=BigInteger)
    queued_limit: int | None = Field(default=None, sa_type=BigInteger)
    default_presets: list[str] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
