"""Going through an account's unfinished media and sending them again, one batch after another."""

from dataclasses import dataclass

from sqlalchemy import Connection

from sais.catalog.presets import current_presets
from sais.catalog.unfinished import unfinished_media
from sais.dispatch import DEFAULT_FILTERS, Submitted
from sais.fetching import Guard
from sais.submission import submit
from sais.upload import is_upload
from sais_models import Account, Batch, Lane, Media


@dataclass(frozen=True)
class Piece:
    """Which media: at most `limit` after the code `after`, the first `offset` of them left out."""

    after: str = ""
    offset: int = 0
    limit: int = 500


@dataclass(frozen=True)
class Again:
    """`batch` has them all, None when nothing was sent; `last` is the code to go on after. Nothing found: the end."""

    found: int
    last: str | None
    batch: Batch | None = None
    pending: int = 0


def find_unfinished(connection: Connection, account: Account, piece: Piece) -> list[Media]:
    presets = account.default_presets or [name for name in current_presets(connection) if name in DEFAULT_FILTERS]
    return unfinished_media(
        connection, account.root, presets, after=piece.after, offset=piece.offset, limit=piece.limit
    )


def look(connection: Connection, account: Account, piece: Piece) -> Again:
    """Sends nothing."""
    found = find_unfinished(connection, account, piece)
    return Again(len(found), found[-1].code if found else None)


def send_again(connection: Connection, account: Account, piece: Piece, *, guard: Guard) -> Again:
    """As one batch with the account's default presets."""
    found = find_unfinished(connection, account, piece)
    if not found:
        return Again(0, None)
    images = [Submitted(media.url, media.context, media.size, stored=is_upload(media.url)) for media in found]
    submission = submit(connection, account, images, guard=guard, lane=Lane.BULK)
    return Again(len(found), found[-1].code, submission.batch, submission.pending)
