"""Rows whose file is gone, and files whose row is."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, or_, select, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.rows import pieces
from sais_models import Media, MediaMarking, Thumb, ThumbMarking
from sais_models.columns import utc_now


def lose_originals(connection: Connection, codes: Sequence[str], reason: str, *, retryable: bool) -> list[str]:
    """The `lose` move of media. Returns the codes of those that no run is working on, which it has moved."""
    now = utc_now()
    free = or_(col(Media.leased_until).is_(None), col(Media.leased_until) < now)
    statement = (
        update(table_of(Media))
        .where(
            col(Media.code).in_(codes),
            col(Media.marking).in_((MediaMarking.ARCHIVED, MediaMarking.RESIZED)),
            free,
        )
        .values(marking=MediaMarking.FAILED, reason=reason, retryable=retryable, updated_at=now)
        .returning(table_of(Media).c.code)
    )
    return [row[0] for row in connection.execute(statement)]


def lose_thumbs(connection: Connection, codes: Sequence[str], preset: str | None = None) -> None:
    """The `lose` move of thumbs: asked for, as if they had never been made; all of them without `preset`."""
    for piece in pieces(list(codes)):
        statement = update(table_of(Thumb)).where(col(Thumb.code).in_(piece), col(Thumb.marking) == ThumbMarking.DONE)
        if preset is not None:
            statement = statement.where(col(Thumb.preset) == preset)
        connection.execute(statement.values(marking=ThumbMarking.NEW, updated_at=utc_now()))


def owned_paths(connection: Connection, paths: Sequence[str], preset: str | None) -> set[str]:
    """Those of `paths` that a media has, or with `preset` a thumb."""
    statement = select(col(Media.path)).where(col(Media.path).in_(list(paths)))
    if preset is not None:
        statement = statement.join(Thumb, col(Thumb.code) == col(Media.code)).where(col(Thumb.preset) == preset)
    return {row[0] for row in connection.execute(statement)}


def thumb_sizes(connection: Connection, codes: Sequence[str], preset: str) -> dict[str, int]:
    """Of thumbs that are made, in bytes; -1 where nobody knows."""
    statement = select(col(Thumb.code), func.coalesce(col(Thumb.size), -1)).where(
        col(Thumb.code).in_(list(codes)), col(Thumb.preset) == preset, col(Thumb.marking) == ThumbMarking.DONE
    )
    return dict(map(tuple, connection.execute(statement)))
