"""Rows of what the storages' listings had."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, case, delete, func, null, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from sais.catalog.bulk import Row, new_row, table_of, update_rows, upsert
from sais.catalog.rows import all_rows
from sais_models import FileMarking, StoredFile

FILES = (FileMarking.FILE, FileMarking.HAS_META)


def expect_directories(
    connection: Connection, root: str, storages: Sequence[str], paths: Sequence[str], sync: int
) -> None:
    """The `sync` move: each of them is to be listed in each storage."""
    rows = [
        new_row(StoredFile, storage=storage, path=path, root=root, directory="", marking=FileMarking.DIR, seen_in=sync)
        for storage in storages
        for path in paths
    ]
    upsert(connection, StoredFile, rows, change=("marking", "seen_in"))


def save_listed(connection: Connection, rows: Sequence[Row]) -> None:
    """Whole rows of StoredFile. A checksum is kept as long as size and version are the ones that it was read of."""
    if not rows:
        return
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    table = table_of(StoredFile)
    statement = insert(table)
    new = statement.excluded
    same = and_(table.c.version == new.version, table.c.size == new.size)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["storage", "path"],
            set_={
                **{name: new[name] for name in ("root", "directory", "size", "version", "modified_at", "seen_in")},
                "marking": case((same, table.c.marking), else_=new.marking),
                "checksum": case((same, table.c.checksum), else_=null()),
            },
        ),
        rows,
    )


def end_listing(connection: Connection, storage: str, path: str, sync: int) -> None:
    """The directory is listed whole: what this listing did not have is gone."""
    table = table_of(StoredFile)
    files = (table.c.storage == storage, table.c.directory == path, table.c.marking.in_(FILES))
    connection.execute(delete(table).where(*files, table.c.seen_in < sync))
    size = connection.execute(select(func.coalesce(func.sum(table.c.size), 0)).where(*files)).scalar_one()
    row = {"storage": storage, "path": path, "marking": FileMarking.LISTING, "size": int(size)}
    update_rows(connection, StoredFile, [row])


def unread_files(connection: Connection, storage: str, directory: str, *, limit: int) -> list[StoredFile]:
    """Those of whose present version no checksum is known."""
    statement = select(table_of(StoredFile)).where(
        col(StoredFile.storage) == storage,
        col(StoredFile.directory) == directory,
        col(StoredFile.marking) == FileMarking.FILE,
    )
    return all_rows(connection, StoredFile, statement.limit(limit))


def save_checksums(connection: Connection, rows: Sequence[Row]) -> None:
    """The `read` move: rows of storage, path and checksum."""
    read = [row | {"marking": FileMarking.HAS_META} for row in rows]
    update_rows(connection, StoredFile, read, where={"marking": FileMarking.FILE})


def forget_files(connection: Connection, storage: str, paths: Sequence[str]) -> None:
    table = table_of(StoredFile)
    connection.execute(delete(table).where(table.c.storage == storage, table.c.path.in_(list(paths))))


def count_listed(connection: Connection, root: str, sync: int) -> dict[str, tuple[int, int]]:
    """By storage, how many files the sync has seen and their bytes together."""
    table = table_of(StoredFile)
    statement = (
        select(table.c.storage, func.count(), func.coalesce(func.sum(table.c.size), 0))
        .where(table.c.root == root, table.c.seen_in == sync, table.c.marking.in_(FILES))
        .group_by(table.c.storage)
        .order_by(table.c.storage)
    )
    return {storage: (count, int(size)) for storage, count, size in connection.execute(statement)}
