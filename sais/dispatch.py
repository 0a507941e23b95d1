"""Taking images in: from URLs to rows of batch, media and thumbs, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from sais.addressing import code_of
from sais.catalog import batches, media
from sais.catalog.bulk import Row, new_row
from sais.catalog.presets import choose_presets, current_presets
from sais.errors import BadUrl, CodeCollision, PermanentMediaError
from sais.fetching import Guard
from sais.quotas import Room
from sais.reasons import LOST
from sais.request_ids import current_request_id
from sais_models import (
    Account,
    Batch,
    BatchItem,
    ItemMarking,
    Lane,
    Media,
    MediaMarking,
    Thumb,
    ThumbMarking,
)

REJECTED_URL_KEPT = 500
DEFAULT_FILTERS = ("small", "medium")


@dataclass(frozen=True)
class Submitted:
    """One image as the client sent it; `size` in bytes where a manifest tells it.

    `stored`: the original is here already. Nothing will be fetched, so the guard is not asked.
    """

    url: str
    context: dict[str, Any] = field(default_factory=dict)
    size: int | None = None
    stored: bool = False


def open_batch(
    connection: Connection,
    account: Account,
    *,
    presets: Sequence[str] = (),
    lane: Lane = Lane.BULK,
    context: dict[str, Any] | None = None,
    media_callback_url: str | None = None,
    thumb_callback_url: str | None = None,
    batch_callback_url: str | None = None,
    manifest: str | None = None,
    retry: bool = False,
) -> Batch:
    """An empty batch. Without `presets`: the account's own, else small and medium.

    Raises UnknownPreset, and QueueFull for a manifest when nothing more may wait. `retry`: it tries again what failed
    elsewhere, and nobody waits for its sums.
    """
    if manifest is not None:
        Room.of(connection, account).require_places(account, 1)
    names = list(presets) or account.default_presets
    if not names:
        names = [name for name in current_presets(connection) if name in DEFAULT_FILTERS]
    return batches.add_batch(
        connection,
        root=account.root,
        lane=lane,
        presets=[preset.name for preset in choose_presets(connection, names)],
        context=context or {},
        media_callback_url=media_callback_url or account.media_callback_url,
        thumb_callback_url=thumb_callback_url or account.thumb_callback_url,
        batch_callback_url=None if retry else batch_callback_url or account.batch_callback_url,
        manifest=manifest,
        retry=retry,
        request_id=current_request_id(),
    )


def add_images(
    connection: Connection,
    batch: Batch,
    images: Sequence[Submitted],
    *,
    guard: Guard,
    room: Room,
    start: int = 0,
) -> list[Row]:
    """Adds items from position `start` on and the media and thumbs that are new. Returns the rows of BatchItem.

    What is done already is done for this batch too; what failed before is tried again; what cannot be taken is
    rejected with its reason and stops nothing else.
    """
    codes = {image.url: code_of(image.url, batch.root) for image in images if image.url.isprintable()}
    known = media.find_media(connection, codes.values(), media.DISPATCHED)
    owners = {code: (row.url, row.root) for code, row in known.items()}
    rows = [
        new_row(BatchItem, batch_id=batch.id, position=position, context=image.context)
        | _examine(image, codes.get(image.url), batch.root, owners, guard, room)
        for position, image in enumerate(images, start)
    ]
    accepted = dict.fromkeys(row["code"] for row in rows if row["code"] is not None)
    thumbs = media.find_thumbs(connection, [code for code in accepted if code in known], media.DISPATCHED_THUMB)
    done = {code for code in accepted if code in known and is_done(known[code], thumbs.get(code, []), batch.presets)}
    for row in rows:
        if row["code"] in done:
            row["marking"] = ItemMarking.DONE
    _reject_without_place(images, rows, room)
    accepted = dict.fromkeys(row["code"] for row in rows if row["code"] is not None)
    _add_new_media(connection, batch, images, rows, known)
    _ask_again(connection, [known[code] for code in accepted if code in known], thumbs, batch.presets)
    wanted = [code for code in accepted if code not in done]
    media.add_thumbs(
        connection, [new_row(Thumb, code=code, preset=preset) for code in sorted(wanted) for preset in batch.presets]
    )
    batches.add_items(connection, rows)
    return rows


def _examine(
    image: Submitted, code: str | None, root: str, owners: dict[str, tuple[str, str]], guard: Guard, room: Room
) -> dict[str, Any]:
    """What an item is to be: accepted with its code, or rejected with the reason. Notes whose code it is."""
    url = image.url
    try:
        # Known to the account is checked already, and the guard stands before each fetch anyway; but the address of an
        # upload is none that a client may send.
        known = code is not None and owners.get(code) == (url, root) and url.startswith("http")
        if not image.stored and not known:
            guard.check_url(url)
        if code is None:
            raise BadUrl("bad_url", "the address has control characters")
        if code not in owners:
            room.take_image()
        if owners.setdefault(code, (url, root)) != (url, root):
            raise CodeCollision("code_collision", f"another address has the code {code}")
    except PermanentMediaError as error:
        return {"marking": ItemMarking.REJECTED, "reason": error.reason, "url": _storable(url)}
    return {"code": code}


def _reject_without_place(images: Sequence[Submitted], rows: Sequence[Row], room: Room) -> None:
    for image, row in zip(images, rows, strict=True):
        if row["marking"] == ItemMarking.PENDING and not room.has_place():
            row.update(code=None, marking=ItemMarking.REJECTED, reason="quota_queued", url=_storable(image.url))


def _storable(url: str) -> str:
    """PostgreSQL takes no NUL in a text, and no database half a surrogate pair."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in url[:REJECTED_URL_KEPT])


def _add_new_media(
    connection: Connection,
    batch: Batch,
    images: Sequence[Submitted],
    rows: Sequence[Row],
    known: dict[str, Media],
) -> None:
    fresh = {
        row["code"]: new_row(
            Media,
            code=row["code"],
            root=batch.root,
            url=image.url,
            size=image.size,
            context=batch.context | image.context,
        )
        for image, row in zip(images, rows, strict=True)
        if row["code"] is not None and row["code"] not in known
    }
    # In the order of codes: two that add the same images in another order would wait for one another.
    media.add_media(connection, [fresh[code] for code in sorted(fresh)])


def is_done(row: Media, thumbs: Sequence[Thumb], presets: Sequence[str]) -> bool:
    """Whether everything that `presets` ask for is there. What is not an image is done when it is archived."""
    if row.marking == MediaMarking.ARCHIVED:
        return not is_image(row)
    done = {thumb.preset for thumb in thumbs if thumb.marking == ThumbMarking.DONE}
    return row.marking == MediaMarking.RESIZED and done.issuperset(presets)


def is_image(row: Media) -> bool:
    return (row.mime_type or "").startswith("image/")


def _ask_again(
    connection: Connection, known: Sequence[Media], thumbs: dict[str, list[Thumb]], presets: Sequence[str]
) -> None:
    """Sending an image again is asking again for what failed of it, and for its original where that is lost."""
    failed = [row.code for row in known if row.marking == MediaMarking.FAILED]
    media.reset_media(connection, failed)
    lost = {code for code, made in thumbs.items() for t in made if t.reason == LOST and t.preset in presets}
    media.forget_originals(connection, sorted(lost))
    again = [
        new_row(Thumb, code=thumb.code, preset=thumb.preset)
        for row in sorted(known, key=lambda media: media.code)
        for thumb in thumbs.get(row.code, [])
        if thumb.marking == ThumbMarking.FAILED
    ]
    media.save_thumbs(connection, again)
