"""Refreshed media are told to their account: a batch that has settled already, with its webhooks."""

from collections.abc import Sequence

from sqlalchemy import Connection

from sais.catalog import batches
from sais.catalog.accounts import get_account
from sais.catalog.bulk import new_row
from sais.catalog.deliveries import add_deliveries
from sais.catalog.media import Lease, find_media, find_thumbs, save_thumbs
from sais.catalog.sources import save_refreshed
from sais.refreshing.taking_in import TakenIn
from sais.webhooks.outbox import Report, deliveries_for
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking
from sais_models.columns import utc_now


def save_and_report(connection: Connection, lease: Lease, taken: Sequence[TakenIn], public_url: str) -> Batch:
    """Rows, batch and webhooks in one transaction: what a client is told has happened, and the other way round."""
    save_thumbs(connection, [row for one in taken for row in one.thumbs])
    save_refreshed(connection, lease, [one.row for one in taken])
    codes = [one.row["code"] for one in taken]
    media, thumbs = find_media(connection, codes), find_thumbs(connection, codes)
    account = get_account(connection, next(iter(media.values())).root)
    batch = batches.add_batch(
        connection,
        root=account.root,
        presets=sorted({thumb.preset for found in thumbs.values() for thumb in found}),
        media_callback_url=account.media_callback_url,
        thumb_callback_url=account.thumb_callback_url,
        marking=BatchMarking.SETTLED,
        settled_at=utc_now(),
        filled=True,
        submitted=len(codes),
    )
    items = [
        new_row(BatchItem, batch_id=batch.id, position=position, code=code, marking=ItemMarking.DONE)
        for position, code in enumerate(codes)
    ]
    batches.add_items(connection, items)
    reports = [Report(media[code], thumbs.get(code, []), media[code].context) for code in codes]
    add_deliveries(connection, deliveries_for(batch, account, reports, public_url=public_url))
    return batch
