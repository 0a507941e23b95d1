"""Prefect's server writes events to SQLite as it does to PostgreSQL (docs/decisions/0037).

For SQLite it makes statements of up to 999 parameters, and SQLAlchemy compiles each anew: of a run of 2,000 images, 12
of each of two kinds, 0.1 s. For PostgreSQL it has one statement and many rows, which is compiled once.
"""

import sqlite3
from contextlib import suppress

KNOWS_RETURNING = (3, 35)


def write_events_in_one_statement() -> None:
    """For servers that this process starts."""
    if sqlite3.sqlite_version_info < KNOWS_RETURNING:
        return
    from prefect.server.events.storage import database  # noqa: PLC0415  imports a whole server

    with suppress(AttributeError):  # another version of Prefect writes in another way
        database._write_sqlite_events = database._write_postgres_events
