"""Rows of the key-value table."""

from sqlalchemy import Connection, delete, select
from sqlmodel import col

from sais.catalog.bulk import new_row, table_of, upsert
from sais.catalog.rows import all_rows
from sais_models import KeyValue


def find_values(connection: Connection, scopes: list[str]) -> list[KeyValue]:
    """All of these scopes, by scope and key."""
    statement = select(table_of(KeyValue)).where(col(KeyValue.scope).in_(scopes))
    return all_rows(connection, KeyValue, statement.order_by(col(KeyValue.scope), col(KeyValue.key)))


def put_value(connection: Connection, scope: str, key: str, value: str) -> None:
    """Adds it; one that is there gets the new value and stays as old as it is."""
    upsert(connection, KeyValue, [new_row(KeyValue, scope=scope, key=key, value=value)], change=["value"])


def remove_value(connection: Connection, scope: str, key: str) -> bool:
    """Whether it was there."""
    statement = delete(table_of(KeyValue)).where(col(KeyValue.scope) == scope, col(KeyValue.key) == key)
    return connection.execute(statement).rowcount > 0
