"""The mending step: lost originals come back from this machine or their source, lost thumbs are made again."""

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from sais.catalog.accounts import get_account
from sais.catalog.lost import lose_originals, lose_thumbs, thumb_sizes
from sais.catalog.media import find_media, find_thumbs
from sais.dispatch import Submitted
from sais.fetching import Guard
from sais.pipeline.gathering import all_of
from sais.pipeline.resources import Resources
from sais.pipeline.verified import checksum_of_local
from sais.reasons import LOST as LOST_ORIGINAL
from sais.submission import submit
from sais.syncing.pages import Page
from sais.upload import is_upload
from sais_models import Batch, Media

LOOKS_AT_ONCE = 16


class Mended:
    """What was done to one page: files `restored` from this machine, media `lost` (`unasked` of them were uploaded
    and cannot be fetched again), thumbs to be `remade`; `batches` do the rest when a run works on them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.restored = 0
        self.lost = 0
        self.unasked = 0
        self.remade = 0
        self.batches: list[Batch] = []

    @property
    def counts(self) -> Mapping[str, int]:
        return {"restored": self.restored, "lost": self.lost, "lost uploads": self.unasked, "remade": self.remade}

    def __str__(self) -> str:
        uploads = f" ({self.unasked} uploads)" if self.unasked else ""
        return (
            f"mend {self.name}: {self.restored} originals restored, {self.lost} lost{uploads}, "
            f"{self.remade} thumbs to be made again, {len(self.batches)} batches"
        )


async def mend_page(resources: Resources, page: Page) -> Mended:
    """Looks once more before it changes anything. Raises StorageError."""
    mended = Mended(page.name)
    if page.preset is None:
        await _mend_originals(resources, page.codes, mended)
    else:
        await _mend_thumbs(resources, page.codes, page.preset, mended)
    return mended


async def _mend_originals(resources: Resources, codes: Sequence[str], mended: Mended) -> None:
    media = await resources.read(find_media, codes)
    gate = asyncio.Semaphore(LOOKS_AT_ONCE)
    restored = await all_of(_restore(resources, each, gate, mended) for each in media.values())
    lost = [each for each in restored if each is not None]
    if lost:
        await resources.write(_ask_for_originals, lost, resources.guard, mended)


async def _restore(resources: Resources, media: Media, gate: asyncio.Semaphore, mended: Mended) -> Media | None:
    """From the local copy, when that is what was archived; the media when there is no such copy."""
    path = media.path or ""
    async with gate:
        if await _is_whole(resources, media, path):
            return None
        local = resources.original(path)
        found = await checksum_of_local(local)
        if found is None or found != media.checksum:
            return media
        await resources.archive.write_file(path, local, media.mime_type or "")
    mended.restored += 1
    return None


async def _is_whole(resources: Resources, media: Media, path: str) -> bool:
    entry = await resources.archive.entry(path)
    if entry is None or media.size not in {None, entry.size}:
        return False
    return media.checksum is None or await resources.archive.checksum(path) == media.checksum


def _ask_for_originals(connection: Connection, lost: Sequence[Media], guard: Guard, mended: Mended) -> None:
    """Each is asked for with the presets that it has thumbs of."""
    uploads = [media.code for media in lost if is_upload(media.url)]
    mended.unasked += len(lose_originals(connection, uploads, "upload_lost", retryable=False))
    others = [media.code for media in lost if not is_upload(media.url)]
    moved = lose_originals(connection, others, LOST_ORIGINAL, retryable=False)
    mended.lost += len(moved) + mended.unasked
    found, thumbs = find_media(connection, moved), find_thumbs(connection, moved)
    by_presets: dict[tuple[str, ...], list[Media]] = {}
    for code, media in found.items():
        presets = tuple(sorted(thumb.preset for thumb in thumbs.get(code, [])))
        by_presets.setdefault(presets, []).append(media)
    for names, members in by_presets.items():
        _submit(connection, members, names, guard, mended)


async def _mend_thumbs(resources: Resources, codes: Sequence[str], preset: str, mended: Mended) -> None:
    media = await resources.read(find_media, codes)
    sizes = await resources.read(thumb_sizes, codes, preset)
    gate = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def is_lost(code: str) -> str | None:
        async with gate:
            size = await resources.cache.size(f"{preset}/{media[code].path}")
        return None if size == sizes[code] else code

    lost = [code for code in await all_of(is_lost(code) for code in sizes) if code is not None]
    if lost:
        await resources.write(_ask_for_thumbs, [media[code] for code in lost], preset, resources.guard, mended)


def _ask_for_thumbs(connection: Connection, media: Sequence[Media], preset: str, guard: Guard, mended: Mended) -> None:
    lose_thumbs(connection, [each.code for each in media], preset)
    mended.remade += len(media)
    _submit(connection, media, (preset,), guard, mended, stored=True)


def _submit(
    connection: Connection,
    media: Sequence[Media],
    presets: Sequence[str],
    guard: Guard,
    mended: Mended,
    *,
    stored: bool = False,
) -> None:
    account = get_account(connection, media[0].root)
    images = [Submitted(each.url, each.context, each.size, stored=stored) for each in media]
    submission = submit(connection, account, images, guard=guard, presets=presets, limited=False)
    if submission.pending:
        mended.batches.append(submission.batch)
