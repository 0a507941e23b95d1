"""Thumbs whose preset has another recipe now than the one that made them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.media import find_media
from sais.catalog.rows import all_rows
from sais_models import Media, PresetSettings, Thumb, ThumbMarking


@dataclass(frozen=True)
class StaleCount:
    """`size` is the bytes of the originals that are to be read for it."""

    root: str
    preset: str
    thumbs: int
    size: int


def _is_stale(presets: Sequence[PresetSettings]) -> ColumnElement[bool]:
    changed = [and_(col(Thumb.preset) == p.name, col(Thumb.recipe) != p.recipe) for p in presets]
    return and_(col(Thumb.marking) == ThumbMarking.DONE, or_(*changed))


def count_stale(
    connection: Connection, presets: Sequence[PresetSettings], roots: Sequence[str] = ()
) -> list[StaleCount]:
    """By account and preset; all accounts without `roots`."""
    statement = (
        select(col(Media.root), col(Thumb.preset), func.count(), func.coalesce(func.sum(col(Media.size)), 0))
        .join(Thumb, col(Thumb.code) == col(Media.code))
        .where(_is_stale(presets))
        .group_by(col(Media.root), col(Thumb.preset))
        .order_by(col(Media.root), col(Thumb.preset))
    )
    if roots:
        statement = statement.where(col(Media.root).in_(roots))
    return [StaleCount(root, preset, thumbs, size or 0) for root, preset, thumbs, size in connection.execute(statement)]


def stale_codes(
    connection: Connection, presets: Sequence[PresetSettings], root: str, *, after: str, limit: int
) -> list[str]:
    """The next codes of an account that have a stale thumb, in their order, after the code `after`."""
    statement = (
        select(col(Thumb.code))
        .distinct()
        .join(Media, col(Thumb.code) == col(Media.code))
        .where(_is_stale(presets), col(Media.root) == root, col(Thumb.code) > after)
        .order_by(col(Thumb.code))
        .limit(limit)
    )
    return [row[0] for row in connection.execute(statement)]


def stale_thumbs(
    connection: Connection, presets: Sequence[PresetSettings], codes: Sequence[str]
) -> list[tuple[Media, list[str]]]:
    """Each media with the names of its stale presets."""
    rows = all_rows(
        connection, Thumb, select(table_of(Thumb)).where(_is_stale(presets), col(Thumb.code).in_(list(codes)))
    )
    names: dict[str, list[str]] = {}
    for thumb in rows:
        names.setdefault(thumb.code, []).append(thumb.preset)
    found = find_media(connection, names)
    return [(found[code], names[code]) for code in sorted(names)]
