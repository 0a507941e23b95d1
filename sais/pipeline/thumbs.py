"""Making the thumbs of one media and keeping them: from the local original, or from the archive, never the source."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sais.addressing import thumb_path
from sais.catalog.bulk import Row, new_row
from sais.errors import FileMissing, RefusedByOrigin
from sais.imaging import RenderedThumb, Rendition
from sais.pipeline.resources import Resources
from sais.reasons import LOST
from sais_models import Media, PresetSettings, Thumb, ThumbMarking
from sais_models.columns import utc_now


async def make_thumbs(resources: Resources, media: Media, presets: Sequence[PresetSettings]) -> Rendition:
    """Renders all presets from one decode and writes them whole into the thumb cache.

    Raises CorruptImage, TooBig or TransientMediaError for the picture, RefusedByOrigin when its original is nowhere any
    more, StorageError for the archive or the cache.
    """
    path = media.path or ""
    try:
        rendition = await render_thumbs(resources, await _local_original(resources, media), presets)
    except FileMissing:  # evicted in this moment
        rendition = await render_thumbs(resources, await _local_original(resources, media), presets)
    await keep_thumbs(resources, path, rendition)
    return rendition


async def render_thumbs(resources: Resources, source: Path, presets: Sequence[PresetSettings]) -> Rendition:
    """Writes nothing."""
    with resources.ledger.timing("imaging"):
        rendition = await resources.workers.render(source, presets, max_pixels=resources.settings.max_pixels)
    for part, seconds in rendition.timings.items():
        resources.ledger.add(part, seconds)
    return rendition


async def keep_thumbs(resources: Resources, path: str, rendition: Rendition) -> None:
    """Each replaces whole the one that is there."""
    with resources.ledger.timing("thumb cache"):
        for thumb in rendition.thumbs:
            await resources.patiently(partial(_keep, resources, path, thumb))
    resources.ledger.counts["thumbs"] += len(rendition.thumbs)


async def _keep(resources: Resources, path: str, thumb: RenderedThumb) -> None:
    await resources.cache.write(thumb_path(thumb.preset, path), thumb.data, thumb.mime_type)


async def _local_original(resources: Resources, media: Media) -> Path:
    """The local copy, brought back from the archive when it was evicted."""
    path = media.path or ""
    place = resources.original(path)
    if not place.exists():
        incoming = resources.incoming(media.root, media.code)
        try:
            with resources.ledger.timing("archive"):
                await resources.patiently(lambda: resources.archive.read_to(path, incoming))
        except FileMissing as error:
            # As trouble of a storage it would be tried for ever.
            raise RefusedByOrigin(LOST, str(error)) from error
        await asyncio.to_thread(_place, incoming, place)
    return place


def _place(incoming: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    incoming.replace(place)


def done_thumb(code: str, thumb: RenderedThumb) -> Row:
    return new_row(
        Thumb,
        code=code,
        preset=thumb.preset,
        marking=ThumbMarking.DONE,
        recipe=thumb.recipe,
        mime_type=thumb.mime_type,
        size=len(thumb.data),
        width=thumb.width,
        height=thumb.height,
        updated_at=utc_now(),
    )


def failed_thumb(code: str, preset: str, reason: str) -> Row:
    return new_row(Thumb, code=code, preset=preset, marking=ThumbMarking.FAILED, reason=reason, updated_at=utc_now())
