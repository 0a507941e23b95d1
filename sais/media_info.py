"""What `/fetch/media` tells of a media: its thumbs, its measures, and the context that it came with."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection

from sais.addressing import thumb_url
from sais.catalog import media
from sais_models import Media, Thumb, ThumbMarking
from sais_models.wire import Wire

CODE = re.compile(r"[0-9a-f]{16}")


class MediaMeta(Wire):
    """`width` and `height` in pixels as displayed, `size` in bytes, `status` the origin's HTTP status."""

    width: int | None
    height: int | None
    mime_type: str | None
    size: int | None
    ext: str | None
    status: int | None
    p_hash: str | None
    colors: list[str] | None


class MediaInfo(Wire):
    """`thumbs`: the address of each thumb that is there, by preset."""

    id: str
    source: str
    thumbs: dict[str, str]
    context: dict[str, Any]
    meta: MediaMeta
    marking: str
    blur: str | None
    updated_at: datetime


def read_media_info(connection: Connection, codes: Iterable[str], *, root: str, public_url: str) -> list[MediaInfo]:
    """One for each code that the account `root` has, in the order asked; the others are left out."""
    wanted = [code for code in dict.fromkeys(codes) if CODE.fullmatch(code)]
    rows = {code: row for code, row in media.find_media(connection, wanted).items() if row.root == root}
    thumbs = media.find_thumbs(connection, rows)
    return [media_info(rows[code], thumbs.get(code, []), public_url) for code in wanted if code in rows]


def media_info(row: Media, thumbs: Sequence[Thumb], public_url: str) -> MediaInfo:
    return MediaInfo(
        id=row.code,
        source=row.url,
        thumbs=thumb_addresses(row, thumbs, public_url),
        context={**row.context, "saisCode": row.code},
        meta=MediaMeta(
            width=row.width,
            height=row.height,
            mime_type=row.mime_type,
            size=row.size,
            ext=PurePosixPath(row.path).suffix.removeprefix(".") if row.path else None,
            status=row.status_code,
            p_hash=row.phash,
            colors=row.colors,
        ),
        marking=row.marking,
        blur=row.blurhash,
        updated_at=row.updated_at,
    )


def thumb_addresses(row: Media, thumbs: Sequence[Thumb], public_url: str) -> dict[str, str]:
    return {
        thumb.preset: thumb_url(public_url, thumb.preset, row.path)
        for thumb in thumbs
        if thumb.marking == ThumbMarking.DONE and row.path is not None
    }
