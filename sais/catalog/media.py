"""Rows of media and thumbs: found by code, leased to a run, and moved from marking to marking."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select, update
from sqlmodel import SQLModel, col

from sais.catalog.bulk import Row, insert_new, table_of, update_rows, upsert
from sais.catalog.rows import all_rows, any_of, pieces
from sais_models import Batch, BatchItem, BatchMarking, Chunk, ItemMarking, Media, MediaMarking, Thumb, ThumbMarking
from sais_models.columns import utc_now


@dataclass(frozen=True)
class Lease:
    """Who works on a media row, and until when. `absences`: how often the run had been away for too long by then."""

    run: str
    until: datetime
    absences: int = 0


# What is asked of a media that comes again. All columns take nine times as long to read: JSON, times.
DISPATCHED = ("code", "root", "url", "marking", "mime_type")
DISPATCHED_THUMB = ("code", "preset", "marking", "reason")
# What is looked at when an image settles, and told of it.
REPORTED = (
    *("code", "root", "url", "path", "marking", "reason"),
    *("mime_type", "size", "width", "height", "status_code", "blurhash"),
)
REPORTED_THUMB = ("code", "preset", "marking", "size", "reason")


def find_media(connection: Connection, codes: Iterable[str], names: Sequence[str] = ()) -> dict[str, Media]:
    """With `names` only these attributes are there."""
    found: dict[str, Media] = {}
    for piece in pieces(list(codes)):
        rows = all_rows(connection, Media, _of_codes(Media, tuple(names)), {"codes": piece})
        found.update((media.code, media) for media in rows)
    return found


def find_thumbs(connection: Connection, codes: Iterable[str], names: Sequence[str] = ()) -> dict[str, list[Thumb]]:
    """The thumbs of each code, done or not; with `names` only these attributes are there."""
    found: dict[str, list[Thumb]] = {}
    for piece in pieces(list(codes)):
        for thumb in all_rows(connection, Thumb, _of_codes(Thumb, tuple(names)), {"codes": piece}):
            found.setdefault(thumb.code, []).append(thumb)
    return found


@cache
def _of_codes(model: type[SQLModel], names: tuple[str, ...]) -> Select[Any]:
    table = table_of(model)
    columns = [table.c[name] for name in names] or list(table.c)
    return select(*columns).where(table.c.code.in_(any_of("codes")))


def add_media(connection: Connection, rows: Sequence[Row]) -> None:
    insert_new(connection, Media, rows)


def add_thumbs(connection: Connection, rows: Sequence[Row]) -> None:
    insert_new(connection, Thumb, rows)


def reset_media(connection: Connection, codes: Sequence[str]) -> None:
    """The `retry` move: failed media are new again."""
    fresh = {"marking": MediaMarking.NEW, "reason": None, "retryable": False, "retry_at": None}
    rows = [{"code": code, **fresh} for code in sorted(codes)]
    update_rows(connection, Media, rows, where={"marking": MediaMarking.FAILED})


def forget_originals(connection: Connection, codes: Sequence[str]) -> None:
    """The `lose` move: their originals are nowhere any more, and are to be fetched again."""
    rows = [{"code": code, "marking": MediaMarking.NEW} for code in codes]
    update_rows(connection, Media, rows, where={"marking": MediaMarking.RESIZED})


def forget_thumb(connection: Connection, code: str, preset: str, made: datetime) -> bool:
    """The `lose` move, for the file that was made at `made`. False when the row has changed since."""
    statement = (
        update(table_of(Thumb))
        .where(
            col(Thumb.code) == code,
            col(Thumb.preset) == preset,
            col(Thumb.marking) == ThumbMarking.DONE,
            col(Thumb.updated_at) == made,
        )
        .values(marking=ThumbMarking.NEW, updated_at=utc_now())
    )
    return connection.execute(statement).rowcount > 0


def _pending_codes(chunk: Chunk) -> Select[Any]:
    return select(col(BatchItem.code)).where(
        col(BatchItem.batch_id) == chunk.batch,
        col(BatchItem.position).between(chunk.first, chunk.last),
        col(BatchItem.marking) == ItemMarking.PENDING,
    )


def claim_media(
    connection: Connection, chunk: Chunk, lease: Lease, markings: Sequence[MediaMarking], names: Sequence[str] = ()
) -> list[Media]:
    """Leases the chunk's pending media that are in one of `markings` and that no other run holds; returns them.

    A media that two runs want belongs to the one whose update came first; a lease that ran out is anybody's. With
    `names` only these attributes are there.
    """
    free = or_(
        col(Media.leased_by).is_(None),
        col(Media.leased_by) == lease.run,
        col(Media.leased_until) < utc_now(),
    )
    wanted = (col(Media.code).in_(_pending_codes(chunk)), col(Media.marking).in_(markings))
    # What another transaction has in hand is not waited for. In the order of codes, so that two never wait in a circle.
    locked = select(col(Media.code)).where(*wanted, free).order_by(col(Media.code))
    locked = locked.with_for_update(skip_locked=True, key_share=True)
    for piece in pieces([row[0] for row in connection.execute(locked)]):
        connection.execute(
            update(table_of(Media))
            .where(col(Media.code).in_(piece))
            .values(leased_by=lease.run, leased_until=lease.until)
        )
    columns = [table_of(Media).c[name] for name in names] or list(table_of(Media).c)
    mine = select(*columns).where(*wanted, col(Media.leased_by) == lease.run).order_by(col(Media.code))
    return all_rows(connection, Media, mine)


def count_unclaimed(connection: Connection, chunk: Chunk, run: str, markings: Sequence[MediaMarking]) -> int:
    """How many of the chunk's pending media another run is working on, or had in hand when they were claimed."""
    elsewhere = and_(
        col(Media.leased_by).is_not(None), col(Media.leased_by) != run, col(Media.leased_until) >= utc_now()
    )
    missed = and_(col(Media.marking).in_(markings), or_(col(Media.leased_by).is_(None), col(Media.leased_by) != run))
    statement = select(func.count()).where(col(Media.code).in_(_pending_codes(chunk)), or_(elsewhere, missed))
    return connection.execute(statement).scalar_one()


_HELD = (
    select(table_of(Media).c.code)
    .where(col(Media.code).in_(any_of("codes")), col(Media.leased_by) == bindparam("run"))
    .order_by(col(Media.code))
    .with_for_update(key_share=True)
)
_RELEASE = (
    update(table_of(Media))
    .where(col(Media.code).in_(any_of("codes")), col(Media.leased_by) == bindparam("run"))
    .values(leased_by=None, leased_until=None)
)


def still_held(connection: Connection, lease: Lease, codes: Sequence[str]) -> set[str]:
    """Those of `codes` that are the run's still. They stay so until the transaction ends; of the others the run must
    write nothing: it was away for longer than its lease, and somebody else works on them."""
    return {row[0] for piece in pieces(codes) for row in connection.execute(_HELD, {"codes": piece, "run": lease.run})}


def release_media(connection: Connection, lease: Lease, codes: Sequence[str]) -> None:
    """These are done with: nobody holds them any more."""
    for piece in pieces(codes):
        connection.execute(_RELEASE, {"codes": piece, "run": lease.run})


def release_leases(connection: Connection, run: str) -> None:
    """A run that ends gives back what it still holds."""
    connection.execute(
        update(table_of(Media)).where(col(Media.leased_by) == run).values(leased_by=None, leased_until=None)
    )
    connection.execute(
        update(table_of(Batch))
        .where(col(Batch.flow_run_id) == run, col(Batch.held_until).is_not(None))
        .values(held_until=utc_now())
    )


def renew_leases(connection: Connection, lease: Lease) -> None:
    """What the run holds, and the batches it works on, stay its own until `lease.until`; two statements, however many
    images these are. What another run has taken meanwhile stays with that."""
    connection.execute(
        update(table_of(Media)).where(col(Media.leased_by) == lease.run).values(leased_until=lease.until)
    )
    connection.execute(
        update(table_of(Batch))
        .where(col(Batch.flow_run_id) == lease.run, col(Batch.marking) == BatchMarking.OPEN)
        .values(held_until=lease.until)
    )


def save_media(connection: Connection, lease: Lease, rows: Sequence[Row]) -> None:
    """Sets the columns that the rows name, on media that this run still holds."""
    now = utc_now()
    update_rows(connection, Media, [row | {"updated_at": now} for row in rows], where={"leased_by": lease.run})


def save_thumbs(connection: Connection, rows: Sequence[Row]) -> None:
    """Whole rows of Thumb; one that is there is overwritten."""
    changed = [name for name in Thumb.model_fields if name not in ("code", "preset")]
    upsert(connection, Thumb, rows, change=changed)


def count_by_marking(connection: Connection, root: str | None = None) -> dict[str, dict[MediaMarking, int]]:
    """For each account, how many media are in each marking."""
    statement = select(col(Media.root), col(Media.marking), func.count()).group_by(col(Media.root), col(Media.marking))
    if root is not None:
        statement = statement.where(col(Media.root) == root)
    counts: dict[str, dict[MediaMarking, int]] = {}
    for account, marking, count in connection.execute(statement):
        counts.setdefault(account, {})[marking] = count
    return counts
