"""Settling: when all that a batch asked of a media is there, or has failed, its items say so and the webhooks that
report it enter the outbox; all in the caller's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from sais.catalog import batches, deliveries, media
from sais.catalog.accounts import get_account
from sais.dispatch import is_done
from sais.reading import batch_status
from sais.reasons import may_pass
from sais.webhooks.outbox import Report, deliveries_for, summary_of
from sais_models import Batch, BatchItem, BatchMarking, ItemMarking, Media, MediaMarking, Thumb, ThumbMarking

CANCELLED = "cancelled"


@dataclass(frozen=True)
class Outcome:
    marking: ItemMarking
    reason: str | None = None


def outcome_of(row: Media, thumbs: Sequence[Thumb], presets: Sequence[str]) -> Outcome | None:
    """What an item that asked for `presets` has come to; None while there is still work."""
    if row.marking == MediaMarking.FAILED:
        return Outcome(ItemMarking.FAILED, row.reason)
    asked = [thumb for thumb in thumbs if thumb.preset in presets]
    if is_done(row, asked, presets):
        return Outcome(ItemMarking.DONE)
    if len(asked) < len(presets) or any(thumb.marking == ThumbMarking.NEW for thumb in asked):
        return None
    failed = [thumb.reason for thumb in asked if thumb.marking == ThumbMarking.FAILED]
    return Outcome(ItemMarking.FAILED, failed[0]) if failed else None


def settle(connection: Connection, codes: Iterable[str], *, public_url: str) -> None:
    """Settles each pending item of these media, in whatever batch it is, and the batches that this completes."""
    wanted = list(codes)
    waiting = batches.waiting_batches(connection, wanted)
    if not waiting:
        return
    batches.lock_batches(connection, waiting)
    rows = media.find_media(connection, wanted, media.REPORTED)
    thumbs = media.find_thumbs(connection, wanted, media.REPORTED_THUMB)
    by_batch: dict[int, list[BatchItem]] = {}
    # Only now, for others have settled or cancelled while another transaction had the lock.
    for item in batches.pending_items(connection, wanted):
        if item.batch_id in waiting:
            by_batch.setdefault(item.batch_id, []).append(item)
    for batch_id, items in by_batch.items():
        batch = batches.get_batch(connection, batch_id)
        reports: dict[str, Report] = {}
        outcomes: list[tuple[BatchItem, Outcome]] = []
        for item in items:
            code = item.code or ""
            outcome = outcome_of(rows[code], thumbs.get(code, []), batch.presets)
            if outcome is not None:
                outcomes.append((item, outcome))
                if _is_news(batch, outcome):
                    context = batch.context | item.context
                    reports.setdefault(code, Report(rows[code], thumbs.get(code, []), context, outcome.reason))
        _save_outcomes(connection, outcomes)
        if outcomes and batch.resumes:
            batches.change_batch(connection, batch_id, resumes=0)
        account = get_account(connection, batch.root)
        deliveries.add_deliveries(
            connection, deliveries_for(batch, account, list(reports.values()), public_url=public_url)
        )
    settle_batches(connection, by_batch)


def _is_news(batch: Batch, outcome: Outcome) -> bool:
    """Whoever is told by a batch that tries again knows already that the image failed for a reason that may pass."""
    return not batch.retry or outcome.reason is None or not may_pass(outcome.reason)


def settle_batches(connection: Connection, batch_ids: Iterable[int]) -> None:
    """Those that are filled and have no pending item left."""
    for batch_id in batches.settle_batches(connection, batch_ids):
        _tell_the_end(connection, batch_id)


def cancel(connection: Connection, batch_id: int, *, reason: str = CANCELLED) -> bool:
    """What is pending will not be worked on any more; what is done stays. False when the batch had ended before.

    Leases stay: the run that holds them notices within a second and gives them back, or is dead and they run out.
    """
    batches.lock_batches(connection, [batch_id])
    if batches.get_batch(connection, batch_id).marking != BatchMarking.OPEN:
        return False
    batches.cancel_batch(connection, batch_id, reason=reason)
    _tell_the_end(connection, batch_id)
    return True


def settle_leftovers(connection: Connection, batch_id: int, *, public_url: str) -> None:
    """What is pending though nothing is left to do: its media ended in the moment in which the batch came."""
    settle(connection, batches.ended_codes(connection, batch_id), public_url=public_url)
    settle_batches(connection, [batch_id])


def _tell_the_end(connection: Connection, batch_id: int) -> None:
    batch = batches.get_batch(connection, batch_id)
    if batch.batch_callback_url is not None:
        status = batch_status(connection, batch_id)
        deliveries.add_deliveries(connection, [summary_of(batch, batch.batch_callback_url, status)])


def _save_outcomes(connection: Connection, outcomes: Sequence[tuple[BatchItem, Outcome]]) -> None:
    rows = [
        {"batch_id": item.batch_id, "position": item.position, "marking": outcome.marking, "reason": outcome.reason}
        for item, outcome in outcomes
    ]
    batches.end_items(connection, rows)
