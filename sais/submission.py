"""One request for images, taken in whole: a batch with all of its items, in one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from sais.catalog import batches
from sais.dispatch import Submitted, add_images, open_batch
from sais.errors import EmptyBatch
from sais.fetching import Guard
from sais.quotas import Room
from sais.settling import settle_batches
from sais.webhooks.callbacks import check_callbacks
from sais_models import Account, Batch, ItemMarking, Lane


@dataclass(frozen=True)
class Submission:
    """The filled batch; `pending` items are left for a run to do."""

    batch: Batch
    pending: int


def submit(
    connection: Connection,
    account: Account,
    images: Sequence[Submitted],
    *,
    guard: Guard,
    presets: Sequence[str] = (),
    lane: Lane = Lane.BULK,
    context: dict[str, Any] | None = None,
    media_callback_url: str | None = None,
    thumb_callback_url: str | None = None,
    batch_callback_url: str | None = None,
    limited: bool = True,
) -> Submission:
    """Rows in the order of `images`; beyond the account's images they are rejected.

    Raises EmptyBatch, UnknownPreset, InputError for a callback that cannot be, and QueueFull when not all that are to
    be done may wait: the transaction must then be given up. Not `limited` is what was let in before and is asked for
    again by nobody of the account.
    """
    if not images:
        raise EmptyBatch("nothing to do: `images` is empty", field="images")
    check_callbacks(
        guard,
        mediaCallbackUrl=media_callback_url,
        thumbCallbackUrl=thumb_callback_url,
        batchCallbackUrl=batch_callback_url,
    )
    batch = open_batch(
        connection,
        account,
        presets=presets,
        lane=lane,
        context=context,
        media_callback_url=media_callback_url,
        thumb_callback_url=thumb_callback_url,
        batch_callback_url=batch_callback_url,
    )
    room = Room.of(connection, account) if limited else Room()
    submission = fill(connection, batch, images, guard=guard, room=room.without_queue())
    room.require_places(account, submission.pending)
    return submission


def fill(connection: Connection, batch: Batch, images: Sequence[Submitted], *, guard: Guard, room: Room) -> Submission:
    """All of a batch's images at once."""
    rows = add_images(connection, batch, images, guard=guard, room=room)
    batches.change_batch(connection, batch.id or 0, filled=True, submitted=len(rows))
    settle_batches(connection, [batch.id or 0])
    pending = Counter(row["marking"] for row in rows)[ItemMarking.PENDING]
    return Submission(batches.get_batch(connection, batch.id or 0), pending)
