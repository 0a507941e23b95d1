"""What differs in an account, a page at a time: each page is what one task mends."""

from collections.abc import AsyncIterator, Iterable

from sais.catalog.discrepancies import ARCHIVE, CACHE, Difference, Kind, find_differences
from sais.pipeline.resources import Resources
from sais.syncing.comparing import LOST
from sais.syncing.plan import SyncPlan

PAGE = 500


class Page:
    """`preset` is null for the archive. No dataclass: Prefect would walk through its 500 differences."""

    def __init__(self, storage: str, differences: list[Difference], number: int) -> None:
        self.storage = storage
        self.preset = None if storage == ARCHIVE else storage.removeprefix(CACHE)
        self.differences = differences
        self.name = f"{storage.replace('/', '-')}-{number:02d}"

    @property
    def codes(self) -> list[str]:
        return [difference.code for difference in self.differences if difference.code is not None]

    @property
    def paths(self) -> list[str]:
        return [difference.path for difference in self.differences]


async def lost_pages(resources: Resources, plan: SyncPlan) -> AsyncIterator[Page]:
    """What is lost: the archive first, for a lost original asks for its lost thumbs too."""
    for storage in plan.storages:
        # Of a preset that is no more nobody knows how to make a thumb.
        if storage == ARCHIVE or storage.removeprefix(CACHE) in resources.presets:
            async for page in _pages(resources, plan, storage, LOST):
                yield page


async def orphan_pages(resources: Resources, plan: SyncPlan) -> AsyncIterator[Page]:
    for storage in plan.storages:
        async for page in _pages(resources, plan, storage, (Kind.ORPHANED,)):
            yield page


async def _pages(resources: Resources, plan: SyncPlan, storage: str, kinds: Iterable[Kind]) -> AsyncIterator[Page]:
    number = 0
    for kind in kinds:
        after = ""
        while found := await resources.read(find_differences, plan.whole, storage, kind, after=after, limit=PAGE):
            number += 1
            yield Page(storage, found, number)
            after = found[-1].key
