"""Answering questions about batches and media from the database, in the words of the wire; never from Prefect."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import col

from sais.addressing import thumb_url
from sais.catalog import batches, media
from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking, Media, Thumb, ThumbMarking
from sais_models.wire import BatchStatus, MediaRow, ThumbData

PAGE = 10_000


def batch_status(connection: Connection, batch_id: int, *, flow_run_url: str | None = None) -> BatchStatus:
    """The sums at this moment. Raises InputError for an unknown batch."""
    batch = batches.get_batch(connection, batch_id)
    counts = batches.count_items(connection, batch_id)
    rejected = counts.get(ItemMarking.REJECTED, 0)
    submitted = sum(counts.values())
    return BatchStatus(
        id=batch_id,
        root=batch.root,
        submitted=submitted,
        accepted=submitted - rejected,
        rejected=rejected,
        pending=counts.get(ItemMarking.PENDING, 0),
        done=counts.get(ItemMarking.DONE, 0),
        failed=counts.get(ItemMarking.FAILED, 0),
        cancelled=counts.get(ItemMarking.CANCELLED, 0),
        reasons=batches.count_reasons(connection, batch_id),
        marking=batch.marking,
        settled=batch.marking != BatchMarking.OPEN,
        flow_run_url=flow_run_url,
    )


def batch_rows(
    connection: Connection, batch: Batch, *, public_url: str, start: int = 0, limit: int = PAGE
) -> list[MediaRow]:
    """A row for each item from position `start` on, in the order sent."""
    statement = (
        select(table_of(BatchItem))
        .where(col(BatchItem.batch_id) == batch.id, col(BatchItem.position) >= start)
        .order_by(col(BatchItem.position))
        .limit(limit)
    )
    items = all_rows(connection, BatchItem, statement)
    codes = list(dict.fromkeys(item.code for item in items if item.code is not None))
    rows = media.find_media(connection, codes)
    thumbs = media.find_thumbs(connection, codes)
    return [
        rejected_row(batch.root, item)
        if item.code is None
        else media_row(
            rows[item.code],
            thumbs.get(item.code, []),
            public_url=public_url,
            context=batch.context | item.context,
            reason=item.reason,
        )
        for item in items
    ]


def rejected_row(root: str, item: BatchItem) -> MediaRow:
    return MediaRow(
        code=None,
        root=root,
        original_url=item.url or "",
        marking=item.marking,
        context=item.context,
        reason=item.reason,
    )


def media_row(
    row: Media,
    thumbs: Sequence[Thumb],
    *,
    public_url: str,
    context: dict[str, Any] | None = None,
    reason: str | None = None,
) -> MediaRow:
    """One media as a dispatch answers it; `resized` and `thumbData` name the thumbs that are there."""
    data = {
        thumb.preset: ThumbData(
            url=thumb_url(public_url, thumb.preset, row.path),
            size=thumb.size or 0,
            width=thumb.width or 0,
            height=thumb.height or 0,
        )
        for thumb in thumbs
        if thumb.marking == ThumbMarking.DONE and row.path is not None
    }
    return MediaRow(
        code=row.code,
        root=row.root,
        path=row.path,
        original_url=row.url,
        marking=row.marking,
        status_code=row.status_code,
        mime_type=row.mime_type,
        size=row.size,
        original_width=row.width,
        original_height=row.height,
        blur=row.blurhash,
        resized={name: thumb.url for name, thumb in data.items()},
        thumb_data=data,
        context=row.context if context is None else context,
        reason=reason or row.reason,
    )
