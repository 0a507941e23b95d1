"""Thumbs whose preset has another recipe now than the one that made them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.media import Lease, find_media
from sais.catalog.rows import all_rows, pieces
from sais_models import BatchItem, ItemMarking, Media, PresetSettings, Thumb, ThumbMarking
from sais_models.columns import utc_now


@dataclass(frozen=True)
class StaleCount:
    """`thumbs` of one preset of one account."""

    root: str
    preset: str
    thumbs: int


@dataclass(frozen=True)
class StaleOriginal:
    """An original of which a thumb is stale; `size` in bytes."""

    root: str
    code: str
    path: str
    size: int


@dataclass(frozen=True)
class StaleMedia:
    """A media, and those of its presets that are stale."""

    media: Media
    presets: list[str]


def _is_stale(presets: Sequence[PresetSettings]) -> ColumnElement[bool]:
    """A thumb that failed, or that is not made yet, is left to `ingest`."""
    changed = [and_(col(Thumb.preset) == p.name, col(Thumb.recipe).is_distinct_from(p.recipe)) for p in presets]
    return and_(col(Thumb.marking) == ThumbMarking.DONE, or_(*changed))


def count_stale(
    connection: Connection, presets: Sequence[PresetSettings], roots: Sequence[str] = ()
) -> list[StaleCount]:
    """By account and preset; all accounts without `roots`."""
    statement = (
        select(col(Media.root), col(Thumb.preset), func.count())
        .join(Thumb, col(Thumb.code) == col(Media.code))
        .where(_is_stale(presets), *_in(roots))
        .group_by(col(Media.root), col(Thumb.preset))
        .order_by(col(Media.root), col(Thumb.preset))
    )
    return [StaleCount(*row) for row in connection.execute(statement)]


def stale_originals(
    connection: Connection, presets: Sequence[PresetSettings], roots: Sequence[str], *, after: str, limit: int
) -> list[StaleOriginal]:
    """The next ones in the order of codes; each once, however many of its thumbs are stale."""
    statement = (
        select(col(Media.root), col(Media.code), col(Media.path), func.coalesce(col(Media.size), 0))
        .where(_has_stale(presets), col(Media.code) > after, *_in(roots))
        .order_by(col(Media.code))
        .limit(limit)
    )
    return [StaleOriginal(root, code, path or "", size) for root, code, path, size in connection.execute(statement)]


def stale_codes(connection: Connection, presets: Sequence[PresetSettings], root: str) -> list[str]:
    """All of an account, in their order."""
    statement = select(col(Media.code)).where(col(Media.root) == root, _has_stale(presets)).order_by(col(Media.code))
    return [row[0] for row in connection.execute(statement)]


def claim_stale(
    connection: Connection, presets: Sequence[PresetSettings], codes: Sequence[str], lease: Lease
) -> tuple[list[StaleMedia], int]:
    """Leases those of `codes`, at most a part of them, that are stale still; and how many were left to others.

    What another run holds, and what a batch waits for, is left to them: new work goes first.
    """
    stale = [col(Media.code).in_(codes), col(Media.path).is_not(None), _has_stale(presets)]
    count = connection.execute(select(func.count()).select_from(table_of(Media)).where(*stale)).scalar_one()
    free = or_(col(Media.leased_by).is_(None), col(Media.leased_by) == lease.run, col(Media.leased_until) < utc_now())
    awaited = (
        select(col(BatchItem.code))
        .where(col(BatchItem.code) == col(Media.code), col(BatchItem.marking) == ItemMarking.PENDING)
        .exists()
    )
    locked = select(col(Media.code)).where(*stale, free, ~awaited).order_by(col(Media.code))
    mine = [row[0] for row in connection.execute(locked.with_for_update(skip_locked=True, key_share=True))]
    held = {"leased_by": lease.run, "leased_until": lease.until}
    for piece in pieces(mine):
        connection.execute(update(table_of(Media)).where(col(Media.code).in_(piece)).values(held))
    return _with_presets(connection, presets, mine), count - len(mine)


def _with_presets(connection: Connection, presets: Sequence[PresetSettings], codes: list[str]) -> list[StaleMedia]:
    names: dict[str, list[str]] = {}
    for piece in pieces(codes):
        stale = select(table_of(Thumb)).where(_is_stale(presets), col(Thumb.code).in_(piece))
        for thumb in all_rows(connection, Thumb, stale):
            names.setdefault(thumb.code, []).append(thumb.preset)
    found = find_media(connection, codes)
    return [StaleMedia(found[code], names[code]) for code in codes]


def _has_stale(presets: Sequence[PresetSettings]) -> ColumnElement[bool]:
    """Asked of each media by the key of its thumbs: a list of all stale codes would be made for every page."""
    return select(col(Thumb.code)).where(col(Thumb.code) == col(Media.code), _is_stale(presets)).exists()


def _in(roots: Sequence[str]) -> list[ColumnElement[bool]]:
    return [col(Media.root).in_(roots)] if roots else []
