"""Where the tables and the listings of the storages do not agree, found by the database, so that memory stays flat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, cast, func, literal, select, type_coerce
from sqlalchemy.orm import Mapped
from sqlmodel import col

from sais.catalog.stored_files import FILES
from sais_models import Media, MediaMarking, StoredFile, Thumb, ThumbMarking

ARCHIVE = "archive"
CACHE = "cache/"
EXAMPLES = 3


class Kind(StrEnum):
    MISSING = "missing"
    ORPHANED = "orphaned"
    SIZE = "size differs"
    CHECKSUM = "checksum differs"


@dataclass(frozen=True)
class Scope:
    """A part of an account: the media whose codes are from `low` to below `high`, the files in `directories`.

    `sync` is the number of the listing, `started` when it began: rows that changed since are not judged by it, and
    files younger than `settled` are no orphans: their row may be on its way.
    """

    root: str
    sync: int
    started: datetime
    settled: datetime
    low: str
    high: str
    directories: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """One media or one file; `key` is what pages are ordered by."""

    key: str
    code: str | None
    path: str


def find_differences(
    connection: Connection, scope: Scope, storage: str, kind: Kind, *, after: str = "", limit: int
) -> list[Difference]:
    """The next page in the order of their keys; an orphan has no code."""
    key, statement = _statement(scope, storage, kind)
    page = statement.where(key > after).order_by(key).limit(limit)
    return [Difference(row[0], row[1], row[2]) for row in connection.execute(page)]


def count_differences(connection: Connection, scope: Scope, storage: str, kind: Kind) -> tuple[int, list[str]]:
    """How many, and the paths of the first few."""
    key, statement = _statement(scope, storage, kind)
    count = connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
    if not count:
        return 0, []
    first = connection.execute(statement.order_by(key).limit(EXAMPLES))
    return count, [row[2] for row in first]


def count_expected(connection: Connection, root: str, storage: str) -> int:
    """How many files the tables say the storage has of the account."""
    statement = select(func.count()).select_from(Media).where(col(Media.root) == root)
    if storage == ARCHIVE:
        statement = statement.where(*_archived())
    else:
        statement = statement.join(Thumb, col(Thumb.code) == col(Media.code)).where(*_made(storage))
    return connection.execute(statement).scalar_one()


def _statement(scope: Scope, storage: str, kind: Kind) -> tuple[Mapped[str], Select[Any]]:
    """The column that orders it, and a select of key, code and path."""
    match kind:
        case Kind.MISSING:
            return col(Media.code), _missing(scope, storage)
        case Kind.ORPHANED:
            return col(StoredFile.path), _orphaned(scope, storage)
        case Kind.SIZE:
            owner = Media if storage == ARCHIVE else Thumb
            return col(Media.code), _listed(scope, storage).where(col(owner.size) != col(StoredFile.size))
        case Kind.CHECKSUM:
            differs = (col(Media.size) == col(StoredFile.size), col(Media.checksum) != col(StoredFile.checksum))
            return col(Media.code), _listed(scope, storage).where(*differs)


def _of(scope: Scope) -> ColumnElement[bool]:
    """Written so that no index serves it: by the one on `root` each part would go through the whole account."""
    return col(Media.root).concat("") == scope.root


def _archived() -> Sequence[ColumnElement[bool]]:
    return (col(Media.marking).in_((MediaMarking.ARCHIVED, MediaMarking.RESIZED)), col(Media.path).is_not(None))


def _made(storage: str) -> Sequence[ColumnElement[bool]]:
    return (
        col(Thumb.preset) == storage.removeprefix(CACHE),
        # No index here either: that on `marking` has nearly all thumbs of all accounts.
        type_coerce(col(Thumb.marking), String).concat("") == ThumbMarking.DONE.value,
        col(Media.path).is_not(None),
    )


def _missing(scope: Scope, storage: str) -> Select[Any]:
    seen = (
        select(literal(1))
        .where(
            col(StoredFile.storage) == storage,
            col(StoredFile.path) == col(Media.path),
            col(StoredFile.seen_in) == scope.sync,
        )
        .exists()
    )
    statement: Select[Any] = select(col(Media.code).label("key"), col(Media.code), col(Media.path)).where(
        _of(scope), col(Media.code) >= scope.low, col(Media.code) < scope.high, ~seen
    )
    if storage == ARCHIVE:
        return statement.where(*_archived(), col(Media.updated_at) < scope.started)
    return statement.join(Thumb, col(Thumb.code) == col(Media.code)).where(
        *_made(storage), col(Thumb.updated_at) < scope.started
    )


def _in_directories(scope: Scope, storage: str) -> Sequence[ColumnElement[bool]]:
    return (
        col(StoredFile.storage) == storage,
        col(StoredFile.directory).in_(scope.directories),
        col(StoredFile.marking).in_(FILES),
        col(StoredFile.seen_in) == scope.sync,
    )


def _listed(scope: Scope, storage: str) -> Select[Any]:
    """What is listed and known, and has not changed since."""
    statement: Select[Any] = (
        select(col(Media.code).label("key"), col(Media.code), col(Media.path))
        .select_from(StoredFile)
        .join(Media, (col(Media.path) == col(StoredFile.path)) & _of(scope))
        .where(*_in_directories(scope, storage))
    )
    if storage == ARCHIVE:
        return statement.where(*_archived(), col(Media.updated_at) < scope.started)
    return statement.join(Thumb, col(Thumb.code) == col(Media.code)).where(
        *_made(storage), col(Thumb.updated_at) < scope.started
    )


def _orphaned(scope: Scope, storage: str) -> Select[Any]:
    """Files that no row names, whatever its marking: a file is written before its row says so."""
    owner = select(literal(1)).select_from(Media).where(col(Media.path) == col(StoredFile.path), _of(scope))
    if storage != ARCHIVE:
        owner = owner.join(Thumb, col(Thumb.code) == col(Media.code)).where(
            col(Thumb.preset) == storage.removeprefix(CACHE)
        )
    code = cast(literal(None), String)
    return select(col(StoredFile.path).label("key"), code.label("code"), col(StoredFile.path)).where(
        *_in_directories(scope, storage), col(StoredFile.modified_at) < scope.settled, ~owner.exists()
    )
