"""Making the thumbs of media and keeping them: from the local original, or from the archive, never the source."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sais.addressing import thumb_path
from sais.catalog.bulk import Row, new_row
from sais.errors import FileMissing, MediaError, RefusedByOrigin
from sais.imaging import RenderedThumb, Rendition
from sais.imaging.worker import Answer
from sais.pipeline.gathering import all_of, groups
from sais.pipeline.imaging_workers import job_of
from sais.pipeline.resources import Resources
from sais.reasons import LOST
from sais.storage import checked_path
from sais_models import Media, PresetSettings, Thumb, ThumbMarking
from sais_models.columns import utc_now

# A worker gets at most so many pictures, and pixels, in one message: about 0.15 s of work.
GROUP_IMAGES = 8
GROUP_PIXELS = 12_000_000


class Wanted(NamedTuple):
    """A media and the presets that it is to be rendered in."""

    media: Media
    presets: Sequence[PresetSettings]


def grouped(resources: Resources, wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Groups for `make_thumbs`; few pictures are spread over all workers."""
    most = max(1, min(GROUP_IMAGES, len(wanted) // (2 * resources.worker_count)))
    return groups(wanted, most=most, weight=lambda each: _pixels(each.media), limit=GROUP_PIXELS)


def _pixels(media: Media) -> int:
    return (media.width or 0) * (media.height or 0)


async def make_thumbs(resources: Resources, group: Sequence[Wanted]) -> list[Rendition | MediaError]:
    """Renders all presets of each picture from one decode, and the thumbs are whole in the cache, though not flushed.

    For each picture CorruptImage, TooBig or TransientMediaError in place of its rendition, RefusedByOrigin when its
    original is nowhere any more. Raises StorageError for the archive or the cache.
    """
    asked = time.perf_counter()
    async with resources.imaging:
        resources.ledger.add("imaging queue", time.perf_counter() - asked, len(group))
        try:
            done = await _rendered(resources, group)
        except FileMissing:  # evicted in this moment
            done = await _rendered(resources, group)
        if resources.cache.folder() is None:
            await _upload(resources, group, done)
    for rendition in done:
        if isinstance(rendition, Rendition):
            for part, seconds in rendition.timings.items():
                resources.ledger.add(part, seconds)
            resources.ledger.counts["thumbs"] += len(rendition.thumbs)
    return done


async def flush_thumbs(resources: Resources, wanted: Sequence[Wanted]) -> None:
    """Before the rows say that they are there."""
    paths = [path for each in wanted for path in _thumb_paths(each)]
    with resources.ledger.timing("thumb cache", len(wanted)):
        await resources.patiently(lambda: resources.cache.flush(paths))


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


def _thumb_paths(wanted: Wanted) -> tuple[str, ...]:
    return tuple(checked_path(thumb_path(preset.name, wanted.media.path or "")) for preset in wanted.presets)


async def _rendered(resources: Resources, group: Sequence[Wanted]) -> list[Rendition | MediaError]:
    sources = [await _source(resources, each.media) for each in group]
    there = [(each, source) for each, source in zip(group, sources, strict=True) if isinstance(source, Path)]
    rendered = iter(await resources.patiently(partial(_render, resources, there)))
    return [next(rendered) if isinstance(source, Path) else source for source in sources]


async def _source(resources: Resources, media: Media) -> Path | MediaError:
    try:
        return await _local_original(resources, media)
    except MediaError as error:
        return error


async def _render(resources: Resources, group: Sequence[tuple[Wanted, Path]]) -> list[Rendition | MediaError]:
    """In a worker, which writes the thumbs itself where the cache is a folder. Raises StorageError when it cannot."""
    folder, limit = resources.cache.folder(), resources.settings.max_pixels
    jobs = [
        job_of(source, each.presets, max_pixels=limit, folder=folder, paths=_thumb_paths(each))
        for each, source in group
    ]
    with resources.ledger.timing("imaging", len(group)):
        answers = await resources.workers.work(jobs, spent=partial(resources.ledger.add, "workers"))
    return [_rendition(answer) for answer in answers]


def _rendition(answer: Answer) -> Rendition | MediaError:
    """Raises what is not the picture's fault."""
    if isinstance(answer, Exception) and not isinstance(answer, MediaError):
        raise answer
    return answer


async def _upload(resources: Resources, group: Sequence[Wanted], done: Sequence[Rendition | MediaError]) -> None:
    writing = (
        resources.patiently(partial(resources.cache.write, path, thumb.data, thumb.mime_type))
        for each, rendition in zip(group, done, strict=True)
        if isinstance(rendition, Rendition)
        for path, thumb in zip(_thumb_paths(each), rendition.thumbs, strict=True)
    )
    with resources.ledger.timing("thumb uploads", len(group)):
        await all_of(writing)


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
        size=thumb.size,
        width=thumb.width,
        height=thumb.height,
        updated_at=utc_now(),
    )


def failed_thumb(code: str, preset: str, reason: str) -> Row:
    return new_row(Thumb, code=code, preset=preset, marking=ThumbMarking.FAILED, reason=reason, updated_at=utc_now())
