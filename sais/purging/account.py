"""Deleting a whole account. At once nobody can use it; its row goes when its last webhook is delivered."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from sais.catalog import purging
from sais.catalog.accounts import find_account
from sais.catalog.deliveries import count_of_account
from sais.catalog.threaded import ThreadedDatabase
from sais.errors import UnknownAccount
from sais.purging.files import Files

# So many rows in a transaction: 5,000 hold SQLite's lock for 50 ms.
SLICE = 5_000


@dataclass(frozen=True)
class AccountEnd:
    """`swept`: files that no row knew. `buried`: the row is gone; else `waiting` webhooks are still to be delivered."""

    swept: int
    buried: bool
    waiting: int


async def begin_account(database: ThreadedDatabase, root: str) -> None:
    """Its key opens nothing any more, and nothing can be sent to it. Raises UnknownAccount."""
    await database.write(_mark, root)


def _mark(connection: Connection, root: str) -> None:
    account = find_account(connection, root)
    if account is None:
        raise UnknownAccount(f"no account has the root {root[:60]!r}", field="account")
    if account.deleted_at is not None:
        # Asked for a second time: what no receiver takes shall not hold up the end.
        purging.forget_dead(connection, root)
    nobody = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
    purging.mark_deleted(connection, root, nobody)


async def end_account(database: ThreadedDatabase, files: Files, root: str) -> AccountEnd:
    """When all its media are gone: files without rows, batches, and the account if no webhook waits.

    Raises StorageError; begun again it goes on.
    """
    swept = await files.sweep(root, await database.read(purging.preset_names))
    while await database.write(purging.remove_batch_rows, root, SLICE):
        pass
    buried = await database.write(purging.bury_accounts, [root])
    return AccountEnd(swept, bool(buried), await database.read(count_of_account, root))
