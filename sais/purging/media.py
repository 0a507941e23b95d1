"""Deleting media: first the files, then the rows with the webhooks that say so, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection

from sais.catalog import purging
from sais.catalog.accounts import find_account
from sais.catalog.media import Lease
from sais.catalog.threaded import ThreadedDatabase
from sais.catalog.transfer import forget_cursors
from sais.errors import UnknownAccount
from sais.purging.files import Files
from sais.settling import settle_batches
from sais.webhooks.outbox import deletion_deliveries
from sais_models import Account, Media
from sais_models.columns import utc_now

# Files of so many are deleted before their rows are; a kill leaves at most these rows without files.
PIECE = 250


@dataclass
class Purged:
    """`busy` media are held by a run: they are there as before, and go when they are asked for again."""

    deleted: int = 0
    busy: int = 0
    unknown: list[str] = field(default_factory=list)

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(self.deleted + other.deleted, self.busy + other.busy, [*self.unknown, *other.unknown])


class Purge:
    """Of one account. The lease's name is the account's, so that a purge that was killed is gone on with at once."""

    def __init__(self, database: ThreadedDatabase, files: Files, root: str, lease_seconds: float) -> None:
        self.database, self.files, self.root = database, files, root
        self._lease_seconds = lease_seconds

    async def piece(self, codes: Sequence[str]) -> Purged:
        """At most PIECE codes. Those of other accounts are unknown. Raises StorageError; then no row is gone."""
        account = await self.database.read(find_account, self.root)
        if account is None:
            raise UnknownAccount(f"no account has the root {self.root[:60]!r}", field="account")
        lease = Lease(f"purge:{self.root}", utc_now() + timedelta(seconds=self._lease_seconds))
        wanted = list(dict.fromkeys(codes))
        held = await self.database.write(purging.hold_media, self.root, wanted, lease)
        mine = [media.code for media in held]
        there = await self.database.read(purging.codes_of, self.root, wanted)
        if held:
            presets = await self.database.read(purging.preset_names, mine)
            shared = await self.database.read(purging.shared_paths, held)
            await self.files.delete([media for media in held if media.path not in shared], presets)
            await self.database.write(_remove, lease, account, held)
        unknown = [code for code in wanted if code not in there]
        return Purged(deleted=len(held), busy=len(there) - len(held), unknown=unknown)


def _remove(connection: Connection, lease: Lease, account: Account, media: Sequence[Media]) -> None:
    deliveries = deletion_deliveries(account, media)
    settle_batches(connection, purging.remove_media(connection, lease, [one.code for one in media], deliveries))
    forget_cursors(connection)
