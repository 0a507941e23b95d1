"""Clients are told of thumbs that were made again: a batch that has settled already, with its webhooks."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select
from sqlmodel import col

from sais.catalog.accounts import get_account
from sais.catalog.batches import add_batch, add_items, change_batch, get_batch
from sais.catalog.bulk import new_row
from sais.catalog.deliveries import add_deliveries
from sais.catalog.media import find_media, find_thumbs
from sais.webhooks.outbox import Report, deliveries_for
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking
from sais_models.columns import utc_now


def open_telling(connection: Connection, root: str, presets: Sequence[str]) -> int | None:
    """The id of a batch for what a run makes again of an account; None when it has no address for thumbs.

    Every webhook belongs to a batch: so it can be listed, replayed and looked at as any other.
    """
    account = get_account(connection, root)
    if account.thumb_callback_url is None:
        return None
    batch = add_batch(
        connection,
        root=root,
        presets=list(presets),
        thumb_callback_url=account.thumb_callback_url,
        marking=BatchMarking.SETTLED,
        settled_at=utc_now(),
        filled=True,
    )
    return batch.id


def tell_thumbs(connection: Connection, batch_id: int, made: Mapping[str, Sequence[str]], *, public_url: str) -> int:
    """`made`: the presets that were made again, by code. In the transaction of their rows; how many webhooks."""
    connection.execute(select(col(Batch.id)).where(col(Batch.id) == batch_id).with_for_update())
    batch = get_batch(connection, batch_id)
    codes = sorted(made)
    items = [
        new_row(BatchItem, batch_id=batch_id, position=position, code=code, marking=ItemMarking.DONE)
        for position, code in enumerate(codes, start=batch.submitted)
    ]
    add_items(connection, items)
    change_batch(connection, batch_id, submitted=batch.submitted + len(codes))
    media, thumbs = find_media(connection, codes), find_thumbs(connection, codes)
    reports = [
        Report(media[code], [thumb for thumb in thumbs[code] if thumb.preset in made[code]], media[code].context)
        for code in codes
    ]
    account = get_account(connection, batch.root)
    rows = deliveries_for(batch, account, reports, public_url=public_url)
    add_deliveries(connection, rows)
    return len(rows)
