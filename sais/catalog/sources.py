"""Media whose source is to be asked again, and what it said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlmodel import col

from sais.catalog.bulk import Row, update_rows
from sais.catalog.media import Lease
from sais_models import Media, MediaMarking
from sais_models.columns import utc_now


def _due(columns: Sequence[Any], root: str, before: datetime) -> Select[Any]:
    """What came as bytes has no source."""
    return select(*columns).where(
        col(Media.root) == root,
        col(Media.marking).in_((MediaMarking.ARCHIVED, MediaMarking.RESIZED)),
        func.coalesce(col(Media.checked_at), col(Media.created_at)) < before,
        col(Media.url).not_like("upload:%"),
    )


def count_due(connection: Connection, root: str, before: datetime) -> int:
    """Media of the account that were last asked for, or came, before that moment."""
    count: int = connection.execute(_due([func.count()], root, before).select_from(Media)).scalar_one()
    return count


def due_codes(connection: Connection, root: str, before: datetime, *, after: str, limit: int) -> list[str]:
    """In the order of their codes, after the code `after`."""
    statement = _due([col(Media.code)], root, before).where(col(Media.code) > after)
    return [row[0] for row in connection.execute(statement.order_by(col(Media.code)).limit(limit))]


def save_checked(connection: Connection, lease: Lease, rows: Sequence[Row]) -> None:
    """What the source said of media that are as they were: rows of code, checked_at, source_reason, etag,
    last_modified. `updated_at` stays: nothing of the image has changed."""
    update_rows(connection, Media, rows, where={"leased_by": lease.run})


def save_refreshed(connection: Connection, lease: Lease, rows: Sequence[Row]) -> None:
    """The `refresh` move: whole new facts of media."""
    now = utc_now()
    changed = [row | {"updated_at": now, "checked_at": now, "source_reason": None} for row in rows]
    update_rows(connection, Media, changed, where={"leased_by": lease.run})
