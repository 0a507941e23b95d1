"""Media that nobody works on and nobody waits for, held while something is done to their files."""

from collections.abc import Sequence

from sqlalchemy import Connection, exists, or_, select, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.media import Lease
from sais.catalog.rows import all_rows
from sais_models import BatchItem, ItemMarking, Media, MediaMarking, Thumb, ThumbMarking
from sais_models.columns import utc_now


def claim_idle(connection: Connection, codes: Sequence[str], lease: Lease) -> list[Media]:
    """Leases those of `codes` that are worked on to their end; returns them.

    To their end: no run holds them, no thumb and no batch waits for them, and what is an image has its thumbs.
    """
    table = table_of(Media)
    free = or_(table.c.leased_by.is_(None), table.c.leased_by == lease.run, table.c.leased_until < utc_now())
    ended = or_(
        table.c.marking == MediaMarking.RESIZED,
        (table.c.marking == MediaMarking.ARCHIVED) & table.c.mime_type.not_like("image/%"),
    )
    # What is asked of sound or of a film stays new for ever.
    new_thumb = exists(
        select(col(Thumb.code)).where(col(Thumb.code) == table.c.code, col(Thumb.marking) == ThumbMarking.NEW)
    )
    waits = or_(
        table.c.mime_type.like("image/%") & new_thumb,
        exists(
            select(col(BatchItem.code)).where(
                col(BatchItem.code) == table.c.code, col(BatchItem.marking) == ItemMarking.PENDING
            )
        ),
    )
    idle = table.c.code.in_(list(codes)) & free & ended & ~waits
    connection.execute(update(table).where(idle).values(leased_by=lease.run, leased_until=lease.until))
    mine = select(table).where(table.c.code.in_(list(codes)), table.c.leased_by == lease.run).order_by(table.c.code)
    return all_rows(connection, Media, mine)


def codes_by_path(connection: Connection, paths: Sequence[str]) -> dict[str, str]:
    """Of those paths that a media has."""
    statement = select(col(Media.path), col(Media.code)).where(col(Media.path).in_(list(paths)))
    return dict(map(tuple, connection.execute(statement)))
