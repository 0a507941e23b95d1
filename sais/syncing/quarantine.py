"""Files that no row names move out of the way, and are never deleted: what was wrong may be the rows."""

import asyncio

from sais.catalog.lost import owned_paths
from sais.catalog.stored_files import forget_files
from sais.errors import FileMissing
from sais.pipeline.gathering import all_of
from sais.pipeline.resources import Resources
from sais.syncing.pages import Page
from sais.syncing.plan import QUARANTINE, SyncPlan, place_of

MOVES_AT_ONCE = 16


async def quarantine_page(resources: Resources, plan: SyncPlan, page: Page) -> int:
    """Into `.quarantine/DATE/` of the same storage, under the path that each had. Returns how many."""
    place, before = place_of(resources, page.storage)
    folder = f"{QUARANTINE}/{plan.started:%Y-%m-%d}"
    owned = await resources.read(owned_paths, page.paths, page.preset)
    gate = asyncio.Semaphore(MOVES_AT_ONCE)

    async def move(path: str) -> int:
        async with gate:
            try:
                await place.move(before + path, f"{folder}/{before}{path}")
            except FileMissing:  # somebody else's hand
                return 0
        return 1

    moving = [path for path in page.paths if path not in owned]
    moved = sum(await all_of(move(path) for path in moving))
    await resources.write(forget_files, page.storage, moving)
    return moved
