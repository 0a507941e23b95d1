"""The resize step: the thumbs that are asked for of a chunk's images, each media decoded once for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from sais.catalog.bulk import Row
from sais.catalog.media import (
    DISPATCHED_THUMB,
    Lease,
    find_thumbs,
    release_media,
    save_media,
    save_thumbs,
    still_held,
)
from sais.dispatch import is_image
from sais.errors import MediaError
from sais.imaging import Rendition
from sais.pipeline.claiming import Claim, claiming
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import ChunkReport, Failure
from sais.pipeline.resources import Resources
from sais.pipeline.thumbs import Wanted, done_thumb, failed_thumb, flush_thumbs, grouped, make_thumbs
from sais.retry_times import retry_time
from sais.settling import settle
from sais_models import Chunk, Media, MediaMarking, Thumb, ThumbMarking

# Groups of at most eight images. A kill loses the rows of at most this many groups; their files are there.
SAVED_TOGETHER = 6
MARKINGS = (MediaMarking.ARCHIVED, MediaMarking.RESIZED)
NAMES = (
    *("code", "root", "url", "path", "marking", "reason", "retryable", "retries"),
    *("mime_type", "width", "height", "blurhash", "phash", "colors"),
)


@dataclass(frozen=True)
class Resized:
    """What became of one media: the columns to change on its row, and its thumbs' rows."""

    media: Row
    thumbs: list[Row]


async def resize_chunk(resources: Resources, chunk: Chunk) -> ChunkReport:
    """Raises StorageError when the thumb cache or the archive fails; what is done by then is saved."""
    report = ChunkReport("resize", chunk)
    async with claiming(resources, report, MARKINGS, NAMES) as claim:
        report.cancelled = not await resources.hold.until_cancelled(chunk.batch, _resize_all(resources, claim))
    return report


async def _resize_all(resources: Resources, claim: Claim) -> None:
    thumbs = await resources.read(find_thumbs, [media.code for media in claim.media], DISPATCHED_THUMB)
    asked = {media.code: _new_thumbs(media, thumbs.get(media.code, [])) for media in claim.media}
    idle = [
        Resized(_as_before(media, thumbs.get(media.code, [])), []) for media in claim.media if not asked[media.code]
    ]
    report, public_url = claim.report, resources.settings.public_url
    if idle:
        report.lost += await resources.write(_save, claim.lease, idle, public_url)
    wanted = [_wanted(resources, media, asked[media.code]) for media in claim.media if asked[media.code]]
    work = (_resize(resources, group, asked, report) for group in grouped(resources, wanted))

    async def save(piece: Sequence[Made]) -> None:
        await flush_thumbs(resources, [each for made in piece for each in made.wanted])
        resized = [each for made in piece for each in made.resized]
        report.lost += await resources.write(_save, claim.lease, resized, public_url)

    await in_pieces(work, SAVED_TOGETHER, save)


def _new_thumbs(media: Media, thumbs: Sequence[Thumb]) -> list[str]:
    """The names of the presets that are still to be made."""
    return [thumb.preset for thumb in thumbs if thumb.marking == ThumbMarking.NEW] if is_image(media) else []


def _wanted(resources: Resources, media: Media, names: Sequence[str]) -> Wanted:
    return Wanted(media, [resources.presets[name] for name in names if name in resources.presets])


class Made(NamedTuple):
    """`wanted` that are in the cache now."""

    wanted: list[Wanted]
    resized: list[Resized]


async def _resize(
    resources: Resources, group: Sequence[Wanted], asked: Mapping[str, Sequence[str]], report: ChunkReport
) -> Made:
    made = Made([], [])
    for each, outcome in zip(group, await make_thumbs(resources, group), strict=True):
        media, names = each.media, asked[each.media.code]
        if isinstance(outcome, MediaError):
            report.failures.append(Failure.of(media, outcome.reason, final=True))
            made.resized.append(_failed(media, names, outcome))
            continue
        report.done += 1
        report.size += sum(thumb.size for thumb in outcome.thumbs)
        gone = [failed_thumb(media.code, name, "unknown_preset") for name in names if name not in resources.presets]
        rows = [done_thumb(media.code, thumb) for thumb in outcome.thumbs]
        made.wanted.append(each)
        made.resized.append(Resized(_facts(media, outcome), gone + rows))
    return made


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
