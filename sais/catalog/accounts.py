"""Rows of accounts."""

from typing import Any

from sqlalchemy import Connection, select, update
from sqlmodel import col

from sais.catalog.bulk import insert_new, new_row, table_of
from sais.catalog.rows import all_rows, one_row
from sais.errors import UnknownAccount
from sais_models import Account


def find_account(connection: Connection, root: str) -> Account | None:
    """One that is being deleted too."""
    return one_row(connection, Account, select(table_of(Account)).where(col(Account.root) == root))


def find_account_by_key(connection: Connection, key_hash: str) -> Account | None:
    return one_row(connection, Account, select(table_of(Account)).where(col(Account.key_hash) == key_hash))


def get_account(connection: Connection, root: str) -> Account:
    """Raises UnknownAccount, for one that is being deleted too."""
    account = find_account(connection, root)
    if account is None or account.deleted_at is not None:
        raise UnknownAccount(f"no account has the root {root[:60]!r}; make it with `sais register`", field="account")
    return account


def list_accounts(connection: Connection) -> list[Account]:
    living = select(table_of(Account)).where(col(Account.deleted_at).is_(None))
    return all_rows(connection, Account, living.order_by(col(Account.root)))


def add_account(connection: Connection, **values: Any) -> None:
    insert_new(connection, Account, [new_row(Account, **values)])


def replace_key(connection: Connection, root: str, *, former: str, new: str) -> bool:
    """Whether the key was `former` still: of two rotations at once, one loses, and is told no key that is none."""
    table = table_of(Account)
    statement = update(table).where(table.c.root == root, table.c.key_hash == former).values(key_hash=new)
    return connection.execute(statement).rowcount > 0


def change_account(connection: Connection, root: str, **values: Any) -> None:
    connection.execute(update(table_of(Account)).where(col(Account.root) == root).values(**values))
