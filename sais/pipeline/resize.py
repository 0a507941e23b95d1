"""The resize step: the thumbs that are asked for of a chunk's images, each media decoded once for all of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from sais.catalog.bulk import Row
from sais.catalog.media import Lease, find_thumbs, release_media, save_media, save_thumbs, still_held
from sais.dispatch import is_image
from sais.errors import MediaError
from sais.imaging import Rendition
from sais.pipeline.claiming import Claim, claiming
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import ChunkReport, Failure
from sais.pipeline.resources import Resources
from sais.pipeline.thumbs import done_thumb, failed_thumb, make_thumbs
from sais.retry_times import retry_time
from sais.settling import settle
from sais_models import Chunk, Media, MediaMarking, Thumb, ThumbMarking

SAVED_TOGETHER = 25


@dataclass(frozen=True)
class Resized:
    """What became of one media: the columns to change on its row, and its thumbs' rows."""

    media: Row
    thumbs: list[Row]


async def resize_chunk(resources: Resources, chunk: Chunk) -> ChunkReport:
    """Raises StorageError when the thumb cache or the archive fails; what is done by then is saved."""
    report = ChunkReport("resize", chunk)
    async with claiming(resources, report, [MediaMarking.ARCHIVED, MediaMarking.RESIZED]) as claim:
        report.cancelled = not await resources.hold.until_cancelled(chunk.batch, _resize_all(resources, claim))
    return report


async def _resize_all(resources: Resources, claim: Claim) -> None:
    thumbs = await resources.read(find_thumbs, [media.code for media in claim.media])
    # Twice as many images as workers are under way: while one is on the processor the next is being written.
    gate = asyncio.Semaphore(2 * resources.worker_count)
    work = (_resize(resources, media, thumbs.get(media.code, []), gate, claim.report) for media in claim.media)
    async for piece in in_pieces(work, SAVED_TOGETHER):
        claim.report.lost += await resources.write(_save, claim.lease, piece, resources.settings.public_url)


async def _resize(
    resources: Resources, media: Media, thumbs: Sequence[Thumb], gate: asyncio.Semaphore, report: ChunkReport
) -> Resized:
    wanted = [thumb.preset for thumb in thumbs if thumb.marking == ThumbMarking.NEW]
    if not wanted or not is_image(media):
        return Resized(_as_before(media, thumbs), [])
    presets = [resources.presets[name] for name in wanted if name in resources.presets]
    gone = [failed_thumb(media.code, name, "unknown_preset") for name in wanted if name not in resources.presets]
    try:
        async with gate:
            rendition = await make_thumbs(resources, media, presets)
    except MediaError as error:
        report.failures.append(Failure.of(media, error.reason, final=True))
        return _failed(media, wanted, error)
    report.done += 1
    report.size += sum(len(thumb.data) for thumb in rendition.thumbs)
    return Resized(_facts(media, rendition), gone + [done_thumb(media.code, thumb) for thumb in rendition.thumbs])


def _facts(media: Media, rendition: Rendition) -> Row:
    return {
        "code": media.code,
        "marking": MediaMarking.RESIZED,
        "reason": None,
        "retryable": False,
        "retry_at": None,
        "retries": 0,
        "blurhash": rendition.blurhash,
        "phash": rendition.phash,
        "colors": rendition.colors,
    }


def _as_before(media: Media, thumbs: Sequence[Thumb]) -> Row:
    """An original that was lost and has come again, the same: its thumbs are there still."""
    if media.marking == MediaMarking.RESIZED or not any(thumb.marking == ThumbMarking.DONE for thumb in thumbs):
        return {"code": media.code}
    known = {name: getattr(media, name) for name in ("code", "blurhash", "phash", "colors")}
    return known | {"marking": MediaMarking.RESIZED, "reason": None, "retryable": False, "retry_at": None}


def _failed(media: Media, wanted: Sequence[str], error: MediaError) -> Resized:
    """A media that has good thumbs already keeps its marking: only the new thumbs failed."""
    thumbs = [failed_thumb(media.code, preset, error.reason) for preset in wanted]
    good = media.marking == MediaMarking.RESIZED
    row = {
        "code": media.code,
        "marking": media.marking if good else MediaMarking.FAILED,
        "reason": media.reason if good else error.reason,
        "retryable": media.retryable if good else error.retryable,
        "retry_at": retry_time(media, error),
        "retries": media.retries,
        "blurhash": media.blurhash,
        "phash": media.phash,
        "colors": media.colors,
    }
    return Resized(row, thumbs)


def _save(connection: Connection, lease: Lease, piece: Sequence[Resized], public_url: str) -> int:
    """Rows change after their files exist; items and webhooks follow in the same transaction.

    How many of them another run has taken meanwhile: of these nothing is written.
    """
    held = still_held(connection, lease, [resized.media["code"] for resized in piece])
    kept = [resized for resized in piece if resized.media["code"] in held]
    save_thumbs(connection, [row for resized in kept for row in resized.thumbs])
    save_media(connection, lease, [resized.media for resized in kept if "marking" in resized.media])
    codes = [resized.media["code"] for resized in kept]
    release_media(connection, lease, codes)
    settle(connection, codes, public_url=public_url)
    return len(piece) - len(kept)
