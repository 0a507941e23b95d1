"""Whole tables in pages for an export, and what an import must know of the rows that are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, tuple_
from sqlmodel import SQLModel, col

from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows, pieces
from sais_models import Account, BatchItem, ItemMarking, KeyValue, Media, Preset, Thumb
from sais_models.columns import utc_now

CURSORS = "transfer"


@dataclass(frozen=True)
class Extent:
    """Of these accounts (all without `roots`), what was there at `until`."""

    roots: tuple[str, ...]
    until: datetime


def page(
    connection: Connection, model: type[SQLModel], extent: Extent, after: Sequence[str], limit: int
) -> list[SQLModel]:
    """The next rows after the primary key `after` (empty: from the first), in the order of their keys."""
    statement = _of(model, extent)
    keys = list(table_of(model).primary_key)
    if after:
        statement = statement.where(tuple_(*keys) > tuple(after))
    return all_rows(connection, model, statement.order_by(*keys).limit(limit))


def count(connection: Connection, model: type[SQLModel], extent: Extent) -> int:
    return connection.execute(select(func.count()).select_from(_of(model, extent).subquery())).scalar_one()


def paths_of(connection: Connection, codes: Sequence[str]) -> dict[str, str | None]:
    statement = select(table_of(Media).c.code, table_of(Media).c.path).where(col(Media.code).in_(codes))
    return dict(map(tuple, connection.execute(statement)))


def _of(model: type[SQLModel], extent: Extent) -> Select[Any]:
    table = table_of(model)
    statement = select(table)
    if model is Preset:
        return statement
    if model is Thumb:
        # A thumb of a media that came later would have nothing to belong to.
        statement = statement.join(table_of(Media), col(Media.code) == col(Thumb.code))
        table = table_of(Media)
    if model is Account:
        statement = statement.where(col(Account.deleted_at).is_(None))
    statement = statement.where(table.c.created_at <= extent.until)
    return statement.where(table.c.root.in_(extent.roots)) if extent.roots else statement


@dataclass(frozen=True)
class Known:
    """A row that is there: what it is of (a media's url, a thumb's code), how old it is, whether work on it waits."""

    identity: str
    updated_at: datetime
    busy: bool = False


def known_media(connection: Connection, codes: Sequence[str]) -> dict[str, Known]:
    """Locked until the transaction ends, where the database locks rows. Busy: leased, or pending in a batch."""
    table = table_of(Media)
    found: dict[str, Known] = {}
    now = utc_now()
    for piece in pieces(list(codes)):
        items = select(col(BatchItem.code)).where(
            col(BatchItem.code).in_(piece), col(BatchItem.marking) == ItemMarking.PENDING
        )
        waiting = {row[0] for row in connection.execute(items)}
        columns = (table.c.code, table.c.url, table.c.updated_at, table.c.leased_until)
        for code, url, updated_at, leased in connection.execute(
            select(*columns).where(table.c.code.in_(piece)).with_for_update()
        ):
            found[code] = Known(url, updated_at, code in waiting or (leased is not None and leased >= now))
    return found


def roots_of(connection: Connection, codes: Sequence[str]) -> dict[str, str]:
    """Whose media these are; those that nobody has are left out."""
    roots: dict[str, str] = {}
    for piece in pieces(list(codes)):
        statement = select(table_of(Media).c.code, table_of(Media).c.root).where(col(Media.code).in_(piece))
        roots.update(map(tuple, connection.execute(statement)))
    return roots


def known_thumbs(connection: Connection, codes: Sequence[str]) -> dict[tuple[str, str], Known]:
    table = table_of(Thumb)
    found: dict[tuple[str, str], Known] = {}
    for piece in pieces(list(codes)):
        columns = (table.c.code, table.c.preset, table.c.updated_at)
        for code, preset, updated_at in connection.execute(select(*columns).where(table.c.code.in_(piece))):
            found[code, preset] = Known(code, updated_at)
    return found


def known_recipes(connection: Connection) -> tuple[set[tuple[str, str]], set[str]]:
    """The presets' (name, recipe), and the names that have a current one."""
    rows = list(
        connection.execute(select(table_of(Preset).c.name, table_of(Preset).c.recipe, table_of(Preset).c.current))
    )
    return {(name, recipe) for name, recipe, _ in rows}, {name for name, _, current in rows if current}


def known_roots(connection: Connection) -> dict[str, bool]:
    """Every account's root, and whether it is being deleted."""
    rows = connection.execute(select(table_of(Account).c.root, table_of(Account).c.deleted_at))
    return {root: deleted is not None for root, deleted in rows}


def find_cursor(connection: Connection, key: str) -> str | None:
    """How far an import that was interrupted had come."""
    statement = select(table_of(KeyValue).c.value).where(col(KeyValue.scope) == CURSORS, col(KeyValue.key) == key)
    value: str | None = connection.execute(statement).scalar()
    return value


def forget_cursors(connection: Connection) -> None:
    """Imports that were interrupted begin again: rows that they had brought may be gone."""
    connection.execute(delete(table_of(KeyValue)).where(col(KeyValue.scope) == CURSORS))


MODELS: Mapping[str, type[SQLModel]] = {"accounts": Account, "presets": Preset, "media": Media, "thumbs": Thumb}
