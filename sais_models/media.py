"""Media: one original, known by its code for ever; and its thumbs."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, text
from sqlmodel import JSON, Field, Index, SQLModel

from sais_models.columns import UtcDateTime, enum_column, utc_now
from sais_models.markings import MediaMarking, ThumbMarking

LEASED = "leased_by IS NOT NULL"
WAITING = "retry_at IS NOT NULL"


class Media(SQLModel, table=True):
    """`path` is the address under every storage, null until the bytes have told their format.

    `size` in bytes, `width` and `height` in pixels as displayed (EXIF orientation applied). While a run works on the
    row it holds a lease: `leased_by` until `leased_until`. When it, or a thumb of it, has failed for a reason that may
    pass, the sweep tries again at `retry_at`, and has done so `retries` times; null: it is left as it is.
    `checked_at` is when the source was last asked again, `source_reason` why it no longer gives the original; the
    archived one stays.
    """

    __table_args__ = (
        Index("ix_media_root_marking", "root", "marking"),
        # Few rows of millions are leased or wait for the sweep: these hold those alone.
        Index("ix_media_leased", "leased_by", sqlite_where=text(LEASED), postgresql_where=text(LEASED)),
        Index("ix_media_retry", "retry_at", sqlite_where=text(WAITING), postgresql_where=text(WAITING)),
    )

    code: str = Field(primary_key=True, max_length=16)
    root: str = Field(foreign_key="account.root")
    url: str
    path: str | None = Field(default=None, index=True)
    marking: MediaMarking = Field(default=MediaMarking.NEW, sa_type=enum_column(MediaMarking))
    reason: str | None = None
    retryable: bool = False
    attempts: int = 0
    status_code: int | None = None
    mime_type: str | None = None
    size: int | None = Field(default=None, sa_type=BigInteger)
    width: int | None = None
    height: int | None = None
    checksum: str | None = Field(default=None, max_length=64)
    etag: str | None = None
    last_modified: str | None = None
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    source_reason: str | None = None
    blurhash: str | None = None
    phash: str | None = None
    colors: list[str] | None = Field(default=None, sa_type=JSON)
    exif: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    context: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    leased_by: str | None = None
    leased_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retry_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retries: int = 0
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Thumb(SQLModel, table=True):
    """One media through one preset. `recipe` is the one that made the file that is there, so staleness is a compare."""

    code: str = Field(primary_key=True, foreign_key="media.code", max_length=16)
    preset: str = Field(primary_key=True, max_length=32)
    marking: ThumbMarking = Field(default=ThumbMarking.NEW, sa_type=enum_column(ThumbMarking), index=True)
    recipe: str | None = Field(default=None, max_length=12)
    mime_type: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    reason: str | None = None
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
