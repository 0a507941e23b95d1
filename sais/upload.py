"""An image that comes as bytes, not as an address: it is archived at once, for there is nowhere to fetch it again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from sais.addressing import code_of, path_of
from sais.catalog.bulk import update_rows
from sais.catalog.media import find_media
from sais.catalog.presets import choose_presets
from sais.dispatch import Submitted
from sais.errors import FileMissing, RefusedByOrigin
from sais.fetching import Fetched, Guard
from sais.imaging import ImageFacts
from sais.quotas import Room
from sais.serving import STORED
from sais.storage import Storage
from sais.submission import Submission, submit
from sais.webhooks.callbacks import check_callbacks
from sais_models import Account, Lane, Media, MediaMarking

SCHEME = "upload:"
# What an origin says of a good image: clients that look at `statusCode` need not know of uploads.
RECEIVED = 200


@dataclass(frozen=True)
class UploadOrder:
    """What goes with the bytes."""

    presets: Sequence[str] = ()
    context: dict[str, Any] | None = None
    media_callback_url: str | None = None
    thumb_callback_url: str | None = None

    def check(self, connection: Connection, guard: Guard) -> None:
        """Before a byte is kept. Raises UnknownPreset, InputError."""
        choose_presets(connection, self.presets)
        check_callbacks(guard, mediaCallbackUrl=self.media_callback_url, thumbCallbackUrl=self.thumb_callback_url)


@dataclass(frozen=True)
class Upload:
    """A whole file in the account `account`; `checksum` is xxh3_128 of its bytes, in place of an address."""

    account: Account
    checksum: str
    facts: ImageFacts

    @property
    def url(self) -> str:
        return SCHEME + self.checksum

    @property
    def code(self) -> str:
        return code_of(self.url, self.account.root)

    @property
    def path(self) -> str:
        return path_of(self.account.root, self.code, self.account.layout, self.facts.ext)


def is_upload(url: str) -> bool:
    return url.startswith(SCHEME)


def is_kept(connection: Connection, upload: Upload) -> bool:
    """Whether the same bytes came before and were archived."""
    known = find_media(connection, [upload.code]).get(upload.code)
    return known is not None and known.marking in STORED


def check_room(connection: Connection, upload: Upload) -> None:
    """Before it is kept. Raises OverQuota, QueueFull."""
    room = Room.of(connection, upload.account)
    if upload.code not in find_media(connection, [upload.code]):
        room.take_image()
    room.require_places(upload.account, 1)


async def keep_original(upload: Upload, incoming: Path, originals: Path, archive: Storage) -> None:
    """Into the archive, and for a run on this machine into the local folder. Raises StorageError."""
    await archive.write_file(upload.path, incoming, upload.facts.mime_type)
    await asyncio.to_thread(_move, incoming, originals / upload.path)


def _move(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    source.replace(place)


async def recall(media: Media, incoming: Path, archive: Storage) -> Fetched:
    """The original from the archive, for an upload that is tried again. Raises RefusedByOrigin when it is not there."""
    try:
        if media.path is None:
            raise FileMissing(f"the upload {media.code} was never kept")
        await archive.read_to(media.path, incoming)
    except FileMissing as error:
        raise RefusedByOrigin("upload_lost", str(error)) from error
    return Fetched(
        status_code=RECEIVED,
        size=media.size or 0,
        declared_type=media.mime_type,
        etag=None,
        last_modified=None,
        final_url=media.url,
        checksum=media.checksum or "",
        seconds=0.0,
        head=b"",
    )


def submit_upload(connection: Connection, upload: Upload, order: UploadOrder, *, guard: Guard) -> Submission:
    """One row in a batch of its own, after `keep_original`. The media is downloaded and archived in one go."""
    submission = submit(
        connection,
        upload.account,
        [Submitted(upload.url, size=upload.facts.size, stored=True)],
        guard=guard,
        presets=order.presets,
        lane=Lane.QUICK,
        context=order.context,
        media_callback_url=order.media_callback_url,
        thumb_callback_url=order.thumb_callback_url,
    )
    update_rows(connection, Media, [_archived(upload)], where={"marking": MediaMarking.NEW})
    return submission


def _archived(upload: Upload) -> dict[str, Any]:
    facts = upload.facts
    return {
        "code": upload.code,
        "marking": MediaMarking.ARCHIVED,
        "path": upload.path,
        "status_code": RECEIVED,
        "mime_type": facts.mime_type,
        "size": facts.size,
        "width": facts.width,
        "height": facts.height,
        "exif": facts.exif,
        "checksum": upload.checksum,
        "reason": None,
        "retryable": False,
    }
