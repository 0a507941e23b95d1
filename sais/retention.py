"""Old deliveries and batches go, in slices so short that nobody waits for SQLite's lock."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from sais.catalog import retention
from sais.catalog.database import reading, writing
from sais.catalog.purging import bury_accounts, deleted_roots
from sais.catalog.retention import OldRows
from sais.settings import Settings
from sais_models.columns import utc_now

SLICE = 2_000


def cutoff(days: int, now: datetime) -> datetime | None:
    """What is older than this goes; None for 0 days, which keeps everything."""
    return now - timedelta(days=days) if days else None


def count_old(engine: Engine, settings: Settings) -> OldRows:
    """What `remove_old` would delete now."""
    now = utc_now()
    with reading(engine) as connection:
        return retention.count_old(
            connection, cutoff(settings.keep_deliveries_days, now), cutoff(settings.keep_batches_days, now)
        )


def remove_old(engine: Engine, settings: Settings) -> OldRows:
    """Delivered webhooks, settled batches with their items, accounts that only waited for webhooks. Killed and begun
    again, it goes on."""
    now = utc_now()
    deliveries = _remove_deliveries(engine, cutoff(settings.keep_deliveries_days, now))
    batches, items = _remove_batches(engine, cutoff(settings.keep_batches_days, now))
    with writing(engine) as connection:
        bury_accounts(connection, deleted_roots(connection))
    return OldRows(deliveries, batches, items)


def _remove_deliveries(engine: Engine, before: datetime | None) -> int:
    removed = 0
    while before is not None:
        with writing(engine) as connection:
            some = retention.remove_old_deliveries(connection, before, SLICE)
        removed += some
        if not some:
            break
    return removed


def _remove_batches(engine: Engine, before: datetime | None) -> tuple[int, int]:
    """How many batches, and how many items of them."""
    batches = items = 0
    while before is not None:
        with reading(engine) as connection:
            batch_id = retention.next_old_batch(connection, before)
        if batch_id is None:
            break
        items += _empty(engine, batch_id)
        with writing(engine) as connection:
            retention.remove_batch(connection, batch_id)
        batches += 1
    return batches, items


def _empty(engine: Engine, batch_id: int) -> int:
    removed = 0
    for step in (retention.remove_items, retention.detach_deliveries):
        some = SLICE
        while some:
            with writing(engine) as connection:
                some = step(connection, batch_id, SLICE)
            removed += some if step is retention.remove_items else 0
    return removed
