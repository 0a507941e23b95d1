"""The steps of an eviction: what there is, what is to go, and one page of it at a time."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from sais.catalog.idle import claim_idle, codes_by_path
from sais.catalog.media import release_media
from sais.evicting.files import local_files, pages_before
from sais.evicting.rule import Cut, LocalFile, Rule, cut_of
from sais.pipeline.gathering import all_of
from sais.pipeline.resources import Resources
from sais.pipeline.verified import is_archived
from sais.settings import Settings
from sais_models import Media

CHECKS_AT_ONCE = 8
GB = 1_000_000_000


class EvictPage:
    """No dataclass: Prefect would walk through its 250 files."""

    def __init__(self, number: int, files: list[LocalFile]) -> None:
        self.number = number
        self.files = files


class Evicted:
    """Files by what became of them: `evicted`, or why they stay; `size` is the bytes that were freed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.size = 0

    def add(self, other: "Evicted") -> None:
        self.counts.update(other.counts)
        self.size += other.size

    def __str__(self) -> str:
        stays = ", ".join(f"{count} {why}" for why, count in sorted(self.counts.items()) if why != "evicted")
        return f"{self.counts['evicted']} evicted ({self.size / 1e6:.1f} MB)" + (f"; stay: {stays}" if stays else "")


def rule_of(settings: Settings, *, days: float | None = None, keep_gb: float | None = None) -> Rule:
    """As asked, else as the settings have it."""
    seconds = 86_400 * (settings.originals_days if days is None else days)
    return Rule(seconds, settings.originals_max_bytes if keep_gb is None else int(keep_gb * GB))


async def plan_eviction(resources: Resources, rule: Rule) -> Cut:
    """By age and size alone; whether each file may go is looked at when its turn comes."""
    files = local_files(resources.settings.originals_dir)
    return await asyncio.to_thread(cut_of, files, rule, now=time.time())


async def evict_pages(resources: Resources, cut: Cut) -> AsyncIterator[EvictPage]:
    number = 0
    if cut.files:
        pages = pages_before(resources.settings.originals_dir, cut.before)
        while files := await asyncio.to_thread(next, pages, None):
            number += 1
            yield EvictPage(number, files)


async def evict_page(resources: Resources, page: EvictPage) -> Evicted:
    """Deletes what the archive has whole and nobody waits for. Each media is leased meanwhile.

    Raises StorageError when the archive does not answer; what was deleted by then is whole in the archive.
    """
    evicted = Evicted()
    codes = await resources.read(codes_by_path, [file.path for file in page.files])
    evicted.counts["of no media"] = len(page.files) - len(codes)
    lease = resources.lease()
    claimed = await resources.write(claim_idle, list(codes.values()), lease)
    evicted.counts["in use"] = len(codes) - len(claimed)
    gate = asyncio.Semaphore(CHECKS_AT_ONCE)
    try:
        for fate, size in await all_of(_evict(resources, media, gate) for media in claimed):
            evicted.counts[fate] += 1
            evicted.size += size
    finally:
        await resources.write(release_media, lease, [media.code for media in claimed])
    evicted.counts = +evicted.counts
    return evicted


async def _evict(resources: Resources, media: Media, gate: asyncio.Semaphore) -> tuple[str, int]:
    """What became of the file, and the bytes that its going has freed."""
    local = resources.original(media.path or "")
    async with gate:
        if await asyncio.to_thread(_is_the_archives_own, local, resources.archive.local_path(media.path or "")):
            return "the archive's own", 0
        if not await is_archived(resources.archive, media, local):
            return "not whole in the archive", 0
        size = await asyncio.to_thread(_unlink, local)
    return "evicted", size


def _is_the_archives_own(local: Path, archived: Path | None) -> bool:
    """The same folder, or a hard link: to delete it would lose the original, or free nothing."""
    try:
        return archived is not None and local.samefile(archived)
    except FileNotFoundError:
        return False


def _unlink(local: Path) -> int:
    size = local.stat().st_size
    local.unlink()
    return size
