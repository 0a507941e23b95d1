"""A purge from its plan to its end, for callers without steps of their own."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Connection

from sais.catalog import purging
from sais.catalog.accounts import find_account
from sais.catalog.media import find_media
from sais.catalog.purging import PurgeCount
from sais.catalog.rows import pieces
from sais.errors import UnknownAccount
from sais.media_info import CODE
from sais.purging.media import PIECE, Purge, Purged


def plan_account(connection: Connection, root: str) -> PurgeCount:
    """What deleting it would take away. Raises UnknownAccount."""
    if find_account(connection, root) is None:
        raise UnknownAccount(f"no account has the root {root[:60]!r}", field="account")
    return purging.count_purge(connection, root)


def plan_media(connection: Connection, codes: Sequence[str]) -> list[PurgeCount]:
    """The same for these media, by account; codes that nobody has are left out."""
    found = find_media(connection, [code for code in codes if CODE.fullmatch(code)])
    counts = []
    for root in sorted({media.root for media in found.values()}):
        for piece in pieces([code for code, media in found.items() if media.root == root]):
            counts.append(purging.count_purge(connection, root, piece))
    return counts


def plan_row(count: PurgeCount) -> dict[str, Any]:
    """As people are shown it."""
    return {
        "account": count.root,
        "media": count.media,
        "MB": round(count.size / 1e6, 1),
        "thumbs": count.thumbs,
        "MB of thumbs": round(count.thumb_size / 1e6, 1),
        "batches": count.batches,
        "held by a run": count.busy,
    }


def codes_by_root(connection: Connection, codes: Sequence[str]) -> dict[str, list[str]]:
    """Which accounts have these media."""
    by_root: dict[str, list[str]] = {}
    for code, media in sorted(find_media(connection, [code for code in codes if CODE.fullmatch(code)]).items()):
        by_root.setdefault(media.root, []).append(code)
    return by_root


async def purge_media(purge: Purge, codes: Sequence[str]) -> AsyncIterator[Purged]:
    """These media of the account, a piece at a time."""
    for start in range(0, len(codes), PIECE):
        yield await purge.piece(codes[start : start + PIECE])


async def purge_all_media(purge: Purge) -> AsyncIterator[Purged]:
    """Each media of the account, a piece at a time, in the order of their codes."""
    after = ""
    while codes := await purge.database.read(purging.next_codes, purge.root, after, PIECE):
        yield await purge.piece(codes)
        after = codes[-1]
