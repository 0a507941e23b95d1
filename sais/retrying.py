"""Trying again what has failed, and nothing else; and telling those who were told that it failed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from sais.catalog.accounts import get_account
from sais.catalog.bulk import update_rows
from sais.catalog.failed import due_media, failed_media, failed_reasons, told_items
from sais.catalog.presets import current_presets
from sais.dispatch import Submitted, open_batch
from sais.fetching import Guard
from sais.quotas import Room
from sais.reasons import chosen_reasons
from sais.serving import STORED
from sais.submission import fill
from sais.upload import is_upload
from sais_models import Account, Batch, BatchItem, ItemMarking, Media
from sais_models.columns import utc_now


@dataclass(frozen=True)
class Failed:
    """Which media of an account: at most `limit` after the code `after`, that failed for one of `reasons`.

    `reasons` are reasons and their classes (sais.reasons); none: all that may pass.
    """

    reasons: Sequence[str] = ()
    after: str = ""
    limit: int = 500


@dataclass(frozen=True)
class Retried:
    """`last` is the code to go on after; nothing found: the end. `pending` are the batches that need a run."""

    found: int
    last: str | None
    batches: list[Batch] = field(default_factory=list)
    pending: list[Batch] = field(default_factory=list)


@dataclass
class _Asker:
    """A batch to be: what was asked for and whom to tell, with the images by their codes."""

    presets: list[str]
    context: dict[str, Any]
    media_callback_url: str | None
    thumb_callback_url: str | None
    items: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tells(self, batch: Batch) -> bool:
        told = (batch.media_callback_url, batch.thumb_callback_url)
        return told == (self.media_callback_url, self.thumb_callback_url)


def look(connection: Connection, account: Account, which: Failed) -> Retried:
    """Sends nothing. Raises InputError for a word that is no reason and no class."""
    found = _find(connection, account, which)
    return Retried(len(found), found[-1].code if found else None)


def retry_failed(connection: Connection, account: Account, which: Failed, *, guard: Guard) -> Retried:
    """Because somebody asks: the sweep begins to count anew. Raises InputError as `look` does."""
    found = _find(connection, account, which)
    made = _send_again(connection, account, found, guard=guard, left_over=True)
    update_rows(connection, Media, [{"code": media.code, "retries": 0, "retry_at": None} for media in found])
    return Retried(len(found), found[-1].code if found else None, made, [batch for batch in made if _is_open(batch)])


def retry_due(connection: Connection, *, guard: Guard, limit: int) -> Retried:
    """The sweep: what is due by now, of all accounts. What is in no batch any more is left as it is."""
    due = due_media(connection, utc_now(), limit=limit)
    by_root: dict[str, list[Media]] = {}
    for media in due:
        by_root.setdefault(media.root, []).append(media)
    made = [
        batch
        for root, media in sorted(by_root.items())
        for batch in _send_again(connection, get_account(connection, root), media, guard=guard, left_over=False)
    ]
    counted = [{"code": media.code, "retries": media.retries + 1, "retry_at": None} for media in due]
    update_rows(connection, Media, counted)
    return Retried(len(due), due[-1].code if due else None, made, [batch for batch in made if _is_open(batch)])


def _is_open(batch: Batch) -> bool:
    return batch.settled_at is None


def _find(connection: Connection, account: Account, which: Failed) -> list[Media]:
    reasons = chosen_reasons(which.reasons, failed_reasons(connection, account.root))
    return failed_media(connection, account.root, sorted(reasons), after=which.after, limit=which.limit)


def _send_again(
    connection: Connection, account: Account, failed: Sequence[Media], *, guard: Guard, left_over: bool
) -> list[Batch]:
    """A batch for each asker. With `left_over`, media that nobody is waiting for are asked for by the account."""
    by_code = {media.code: media for media in failed}
    askers = _askers(told_items(connection, list(by_code)))
    missing = by_code.keys() - {code for asker in askers for code in asker.items}
    if left_over and missing:
        items = {code: by_code[code].context for code in sorted(missing)}
        askers.append(_Asker([], {}, account.media_callback_url, account.thumb_callback_url, items))
    known = current_presets(connection)
    made = []
    for asker in askers:
        batch = open_batch(
            connection,
            account,
            presets=[name for name in asker.presets if name in known],
            context=asker.context,
            media_callback_url=asker.media_callback_url,
            thumb_callback_url=asker.thumb_callback_url,
            retry=True,
        )
        images = [_image(by_code[code], context) for code, context in asker.items.items()]
        # They were let in before: no limit of the account counts them a second time.
        made.append(fill(connection, batch, images, guard=guard, room=Room()).batch)
    return made


def _image(media: Media, context: dict[str, Any]) -> Submitted:
    return Submitted(media.url, context, media.size, stored=is_upload(media.url) or media.marking in STORED)


def _askers(told: Sequence[tuple[BatchItem, Batch]]) -> list[_Asker]:
    """Whoever was told that it failed, and not since then that it is done. Batches that ask the same are one."""
    askers: dict[str, _Asker] = {}
    for item, batch in told:
        code = item.code or ""
        if item.marking == ItemMarking.DONE:
            for asker in askers.values():
                if asker.tells(batch):
                    asker.items.pop(code, None)
            continue
        media_url, thumb_url = batch.media_callback_url, batch.thumb_callback_url
        key = json.dumps([batch.presets, batch.context, media_url, thumb_url], sort_keys=True)
        asker = askers.setdefault(key, _Asker(batch.presets, batch.context, media_url, thumb_url))
        asker.items[code] = item.context
    return [asker for asker in askers.values() if asker.items]
