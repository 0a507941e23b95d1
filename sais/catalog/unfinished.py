"""Media that are not what their account asked for: never worked on to the end, or failed for a passing reason."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, or_, select
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows
from sais.reasons import passing_reasons
from sais_models import BatchItem, ItemMarking, Media, MediaMarking, Thumb, ThumbMarking


def unfinished_media(
    connection: Connection, root: str, presets: Sequence[str], *, after: str = "", offset: int = 0, limit: int
) -> list[Media]:
    """In the order of their codes, after the code `after`; without what an open batch is still to do."""
    unworked = col(Media.marking).in_((MediaMarking.NEW, MediaMarking.DOWNLOADED))
    failed = and_(col(Media.marking) == MediaMarking.FAILED, col(Media.retryable))
    settled_thumbs = (
        select(func.count())
        .where(
            col(Thumb.code) == col(Media.code),
            col(Thumb.preset).in_(presets),
            or_(
                col(Thumb.marking) == ThumbMarking.DONE,
                and_(col(Thumb.marking) == ThumbMarking.FAILED, col(Thumb.reason).not_in(passing_reasons())),
            ),
        )
        .scalar_subquery()
    )
    without_thumbs = and_(
        col(Media.marking).in_((MediaMarking.ARCHIVED, MediaMarking.RESIZED)),
        col(Media.mime_type).startswith("image/"),
        settled_thumbs < len(presets),
    )
    pending = (
        select(col(BatchItem.position))
        .where(col(BatchItem.code) == col(Media.code), col(BatchItem.marking) == ItemMarking.PENDING)
        .exists()
    )
    statement = (
        select(table_of(Media))
        .where(
            col(Media.root) == root,
            col(Media.code) > after,
            or_(unworked, failed, without_thumbs),
            ~pending,
        )
        .order_by(col(Media.code))
        .offset(offset)
        .limit(limit)
    )
    return all_rows(connection, Media, statement)
