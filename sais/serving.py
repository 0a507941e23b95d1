"""Which thumb answers a public address, by one indexed query: no noun is built, pages ask for hundreds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, select
from sqlmodel import col

from sais_models import Media, MediaMarking, Thumb, ThumbMarking


@dataclass(frozen=True)
class ServedThumb:
    """`mime_type` of the bytes; `version` changes whenever they do."""

    mime_type: str
    version: str
    modified: datetime


@dataclass(frozen=True)
class MissingThumb:
    """The media is known. `failed`: the reason code when nobody will make this thumb any more."""

    failed: str | None


def find_served(connection: Connection, preset: str, path: str) -> ServedThumb | MissingThumb | None:
    """`path` is the original's own. None when no media has it."""
    columns: tuple[Any, ...] = (
        col(Media.marking).label("media"),
        col(Media.reason).label("media_reason"),
        col(Media.retryable),
        col(Thumb.marking).label("thumb"),
        col(Thumb.reason).label("thumb_reason"),
        col(Thumb.mime_type),
        col(Thumb.recipe),
        col(Thumb.updated_at),
    )
    statement = (
        select(*columns)
        .outerjoin(Thumb, and_(col(Thumb.code) == col(Media.code), col(Thumb.preset) == preset))
        .where(col(Media.path) == path)
        .limit(1)
    )
    row = connection.execute(statement).first()
    return None if row is None else _answer(row)


def _answer(row: Row[Any]) -> ServedThumb | MissingThumb:
    if row.thumb == ThumbMarking.DONE:
        version = f"{row.recipe}-{int(row.updated_at.timestamp() * 1_000_000):x}"
        return ServedThumb(row.mime_type or "application/octet-stream", version, row.updated_at)
    if row.thumb == ThumbMarking.FAILED:
        return MissingThumb(row.thumb_reason or "failed")
    if row.media == MediaMarking.FAILED and not row.retryable:
        return MissingThumb(row.media_reason or "failed")
    return MissingThumb(None)
