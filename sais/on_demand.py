"""One thumb of one image, asked for because somebody looks at it: never twice while it waits."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select
from sqlmodel import col

from sais.addressing import code_of
from sais.catalog.accounts import get_account
from sais.catalog.bulk import table_of
from sais.catalog.media import find_media, find_thumbs, forget_thumb
from sais.catalog.presets import choose_presets
from sais.dispatch import Submitted, is_done
from sais.errors import CodeCollision, InputError, PermanentMediaError, UnknownPreset
from sais.fetching import Guard
from sais.quotas import Room, hold_room
from sais.reading import media_row
from sais.serving import MissingThumb
from sais.submission import submit
from sais.webhooks.callbacks import check_callbacks
from sais_models import Account, Batch, BatchItem, BatchMarking, ItemMarking, Lane, Media
from sais_models.wire import MediaRow


@dataclass(frozen=True)
class Ordered:
    """`batch` is what a run is to be started for; None when the thumb waits in a batch already."""

    row: MediaRow
    batch: Batch | None
    queue_is_full: bool


@dataclass(frozen=True)
class ThumbOrder:
    """What a client asked for; `callback` is told when it is there."""

    preset: str
    url: str
    callback: str | None = None


def with_scheme(url: str) -> str:
    """`pictures.com/abc.jpg` is meant as https; what names a scheme keeps it, for the guard to judge."""
    head = url.partition("/")[0]
    name, colon, port = head.partition(":")
    return f"https://{url}" if not colon or ("." in name and port.isdigit()) else url


def find_ordered(connection: Connection, account: Account, order: ThumbOrder, *, public_url: str) -> MediaRow | None:
    """The row of the image when its thumb is there. Raises UnknownPreset."""
    _check_preset(connection, order.preset)
    code = code_of(order.url, account.root) if order.url.isprintable() else ""
    row = find_media(connection, [code]).get(code)
    thumbs = find_thumbs(connection, [code]).get(code, [])
    if row is None or row.url != order.url or not is_done(row, thumbs, [order.preset]):
        return None
    return media_row(row, thumbs, public_url=public_url)


def order_thumb(
    connection: Connection, account: Account, order: ThumbOrder, *, guard: Guard, public_url: str, queue_limit: int
) -> Ordered:
    """Puts it into the account's quick lane, however full the queue is.

    Raises InputError for an address or a callback that cannot be or an image too many, UnknownPreset, QueueFull.
    """
    _check_preset(connection, order.preset)
    check_callbacks(guard, callback=order.callback)
    is_full = queue_is_full(connection, account.root, queue_limit)
    code = _checked_code(connection, account, order.url, guard)
    batch = None
    if not waits(connection, code, order.preset, order.callback):
        batch = _queue(connection, account, Submitted(order.url), order.preset, guard, order.callback)
    row, thumbs = find_media(connection, [code])[code], find_thumbs(connection, [code]).get(code, [])
    return Ordered(media_row(row, thumbs, public_url=public_url), batch, is_full)


def order_missing(connection: Connection, missing: MissingThumb, *, guard: Guard, queue_limit: int) -> Batch | None:
    """A thumb of an image whose original is here, for a stranger: None when it waits already or the queue is full."""
    code, preset = missing.code, missing.preset
    account = get_account(connection, find_media(connection, [code])[code].root)
    _lock(connection, account, code)
    row = find_media(connection, [code])[code]
    if account.queued_limit is not None:
        queue_limit = min(queue_limit, account.queued_limit - 1)
    if waits(connection, code, preset) or queue_is_full(connection, row.root, queue_limit):
        return None
    if missing.lost is not None and not forget_thumb(connection, code, preset, missing.lost):
        return None
    return _queue(connection, account, Submitted(row.url, stored=True), preset, guard)


def queue_is_full(connection: Connection, root: str, limit: int) -> bool:
    """Whether more than `limit` images of the account wait; no more than that are counted."""
    waiting = (
        select(col(BatchItem.position))
        .join(Batch, col(Batch.id) == col(BatchItem.batch_id))
        .where(
            col(Batch.root) == root,
            col(Batch.marking) == BatchMarking.OPEN,
            col(BatchItem.marking) == ItemMarking.PENDING,
        )
        .limit(limit + 1)
    )
    count: int = connection.execute(select(func.count()).select_from(waiting.subquery())).scalar_one()
    return count > limit


def _check_preset(connection: Connection, preset: str) -> None:
    try:
        choose_presets(connection, [preset])
    except UnknownPreset as error:
        raise UnknownPreset(str(error), field="preset") from None


def _checked_code(connection: Connection, account: Account, url: str, guard: Guard) -> str:
    try:
        guard.check_url(url)
        if not url.isprintable():
            raise InputError("url: bad_url", field="url")
        code = code_of(url, account.root)
        _lock(connection, account, code)
        known = find_media(connection, [code]).get(code)
        if known is not None and (known.url, known.root) != (url, account.root):
            raise CodeCollision("code_collision", "another address has the same code")
        if known is None:
            Room.of(connection, account).take_image()
    except PermanentMediaError as error:
        raise InputError(f"url: {error.reason}: {error}", field="url") from None
    return code


def _lock(connection: Connection, account: Account, code: str) -> None:
    """PostgreSQL would let two ask at once; SQLite has one writer anyway, and its dialect leaves the clause out.

    An account that is counted is locked before its media, as by those who send a batch: in the other order the two
    would wait for one another.
    """
    hold_room(connection, account)
    connection.execute(select(col(Media.code)).where(col(Media.code) == code).with_for_update())


def waits(connection: Connection, code: str, preset: str, callback: str | None = None) -> bool:
    """Whether a batch that is not settled has asked for this thumb, and tells `callback` if there is one to tell."""
    statement = (
        select(table_of(Batch).c.presets, table_of(Batch).c.media_callback_url)
        .join(BatchItem, col(BatchItem.batch_id) == col(Batch.id))
        .where(col(BatchItem.code) == code, col(BatchItem.marking) == ItemMarking.PENDING)
    )
    return any(
        preset in presets and (callback is None or callback == told) for presets, told in connection.execute(statement)
    )


def _queue(
    connection: Connection, account: Account, image: Submitted, preset: str, guard: Guard, callback: str | None = None
) -> Batch | None:
    submission = submit(
        connection, account, [image], guard=guard, presets=[preset], lane=Lane.QUICK, media_callback_url=callback
    )
    return submission.batch if submission.pending else None
