"""Media that have failed, or a thumb of which has; and whom it was told."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select, union
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows, pieces
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking, Media, MediaMarking, Thumb, ThumbMarking


def due_media(connection: Connection, now: datetime, *, limit: int) -> list[Media]:
    """Those that the sweep is to try again by now, of all accounts; no other sweep gets them before this transaction
    has ended."""
    statement = select(table_of(Media)).where(col(Media.retry_at) <= now).order_by(col(Media.code)).limit(limit)
    return all_rows(connection, Media, statement.with_for_update(skip_locked=True, key_share=True))


def failed_reasons(connection: Connection, root: str) -> set[str]:
    """Each reason for which a media of the account, or a thumb of one, has failed."""
    media = select(table_of(Media).c.reason).where(col(Media.root) == root, _media_failed())
    thumbs = (
        select(table_of(Thumb).c.reason)
        .join(Media, col(Media.code) == col(Thumb.code))
        .where(col(Media.root) == root, col(Thumb.marking) == ThumbMarking.FAILED)
    )
    return {reason for (reason,) in connection.execute(union(media, thumbs)) if reason is not None}


def failed_media(
    connection: Connection, root: str, reasons: Sequence[str], *, after: str = "", limit: int
) -> list[Media]:
    """In the order of their codes, after the code `after`."""
    of_thumb = (
        select(col(Thumb.code))
        .where(
            col(Thumb.code) == col(Media.code),
            col(Thumb.marking) == ThumbMarking.FAILED,
            col(Thumb.reason).in_(reasons),
        )
        .exists()
    )
    statement = (
        select(table_of(Media))
        .where(
            col(Media.root) == root,
            col(Media.code) > after,
            or_(and_(_media_failed(), col(Media.reason).in_(reasons)), of_thumb),
        )
        .order_by(col(Media.code))
        .limit(limit)
    )
    return all_rows(connection, Media, statement)


def _media_failed() -> ColumnElement[bool]:
    return col(Media.marking) == MediaMarking.FAILED


def told_items(connection: Connection, codes: Sequence[str]) -> list[tuple[BatchItem, Batch]]:
    """The items of these media that are done or failed, each with its batch, the oldest first; of cancelled batches
    none."""
    found: list[BatchItem] = []
    for piece in pieces(list(codes)):
        ended = select(table_of(BatchItem)).where(
            col(BatchItem.code).in_(piece), col(BatchItem.marking).in_((ItemMarking.DONE, ItemMarking.FAILED))
        )
        found += all_rows(connection, BatchItem, ended)
    batches = {
        batch.id: batch
        for piece in pieces(sorted({item.batch_id for item in found}))
        for batch in all_rows(
            connection,
            Batch,
            select(table_of(Batch)).where(col(Batch.id).in_(piece), col(Batch.marking) != BatchMarking.CANCELLED),
        )
    }
    found.sort(key=lambda item: (item.batch_id, item.position))
    return [(item, batches[item.batch_id]) for item in found if item.batch_id in batches]
