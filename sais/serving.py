"""Which thumb answers a public address, by one indexed query: no noun is built, pages ask for hundreds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, select
from sqlmodel import col

from sais.catalog.presets import current_presets
from sais.imaging.geometry import Size, fit
from sais_models import Media, MediaMarking, PresetSettings, Thumb, ThumbMarking

# The original is here: a thumb can be made without asking anybody else.
STORED = (MediaMarking.DOWNLOADED, MediaMarking.ARCHIVED, MediaMarking.RESIZED)


@dataclass(frozen=True)
class ServedThumb:
    """`mime_type` and `size` of the bytes, as the row has them; `version` changes whenever they do."""

    mime_type: str
    version: str
    modified: datetime
    size: int | None


@dataclass(frozen=True)
class MissingThumb:
    """The media is known and can have this thumb. `stored`: its original is here. `size`: what the thumb will be.

    `lost`: when the file was made which the row still tells of.
    """

    code: str
    preset: str
    stored: bool
    blurhash: str | None
    size: Size | None
    lost: datetime | None = None


@dataclass(frozen=True)
class NoThumb:
    """The media is known, but nobody will make this thumb; `reason` says why."""

    reason: str


# Built once: a query takes 0.11 ms of CPU so, 0.53 when it is built for each request.
_COLUMNS: tuple[Any, ...] = (
    col(Media.code),
    col(Media.marking).label("media"),
    col(Media.reason).label("media_reason"),
    col(Media.retryable),
    col(Media.mime_type).label("media_type"),
    col(Media.width),
    col(Media.height),
    col(Media.blurhash),
    col(Thumb.marking).label("thumb"),
    col(Thumb.reason).label("thumb_reason"),
    col(Thumb.mime_type),
    col(Thumb.recipe),
    col(Thumb.updated_at),
    col(Thumb.size),
)
_BY_PATH = (
    select(*_COLUMNS)
    .outerjoin(Thumb, and_(col(Thumb.code) == col(Media.code), col(Thumb.preset) == bindparam("preset")))
    .where(col(Media.path) == bindparam("path"))
    .limit(1)
)


def find_served(connection: Connection, preset: str, path: str) -> ServedThumb | MissingThumb | NoThumb | None:
    """`path` is the original's own. None when no media has it, or when there is no such preset."""
    row = connection.execute(_BY_PATH, {"preset": preset, "path": path}).first()
    if row is None:
        return None
    if row.thumb == ThumbMarking.DONE:
        version = f"{row.recipe}-{int(row.updated_at.timestamp() * 1_000_000):x}"
        return ServedThumb(row.mime_type or "application/octet-stream", version, row.updated_at, row.size)
    settings = current_presets(connection).get(preset)
    return None if settings is None else _not_served(row, settings)


def find_lost(connection: Connection, preset: str, path: str) -> MissingThumb | NoThumb | None:
    """The same, when the file of a thumb that is done by its row is not there: the cache was cleaned."""
    row = connection.execute(_BY_PATH, {"preset": preset, "path": path}).first()
    settings = current_presets(connection).get(preset)
    return None if row is None or settings is None else _not_served(row, settings)


def _not_served(row: Row[Any], preset: PresetSettings) -> MissingThumb | NoThumb:
    if row.thumb == ThumbMarking.FAILED:
        return NoThumb(row.thumb_reason or "failed")
    if row.media == MediaMarking.FAILED and not row.retryable:
        return NoThumb(row.media_reason or "failed")
    if row.media_type and not row.media_type.startswith("image/"):
        return NoThumb(f"it is {row.media_type}")
    lost = row.updated_at if row.thumb == ThumbMarking.DONE else None
    return MissingThumb(row.code, preset.name, row.media in STORED, row.blurhash, _size(row, preset), lost)


def _size(row: Row[Any], preset: PresetSettings) -> Size | None:
    if not row.width or not row.height:
        return None
    fitted = fit((row.width, row.height), preset)
    if fitted.crop is None:
        return fitted.scaled
    left, top, right, bottom = fitted.crop
    return right - left, bottom - top
