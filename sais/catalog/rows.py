"""Reading rows as the nouns of sais_models."""

from typing import Any, TypeVar

from sqlalchemy import Connection, Select
from sqlmodel import SQLModel

Noun = TypeVar("Noun", bound=SQLModel)

# SQLite allows 32,766 variables in a statement, PostgreSQL 65,535.
IN_LIST = 5_000


def all_rows(connection: Connection, model: type[Noun], statement: Select[Any]) -> list[Noun]:
    """Detached objects, one for each row; `statement` selects the columns of `model`'s table."""
    return [model(**row) for row in connection.execute(statement).mappings()]


def one_row(connection: Connection, model: type[Noun], statement: Select[Any]) -> Noun | None:
    row = connection.execute(statement).mappings().first()
    return None if row is None else model(**row)


def pieces(values: list[str]) -> list[list[str]]:
    """`values` cut to what fits into one IN list."""
    return [values[start : start + IN_LIST] for start in range(0, len(values), IN_LIST)]
