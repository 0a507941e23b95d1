"""A sync from its first step to its last in this process, as the flow does it with a task for each part."""

import asyncio
from collections import Counter
from collections.abc import Callable

from sais.pipeline.gathering import all_of
from sais.pipeline.resources import Resources
from sais.syncing.comparing import Comparison, Finding, compare_part
from sais.syncing.listing import list_part
from sais.syncing.mending import mend_page
from sais.syncing.pages import lost_pages, orphan_pages
from sais.syncing.plan import SyncPart, SyncPlan
from sais.syncing.quarantine import quarantine_page
from sais_models import Batch

# Two cores are busy with two; a bucket answers while others are waited for.
PARTS_AT_ONCE = 4


async def find_all(
    resources: Resources, plan: SyncPlan, *, checksums: bool = False, tell: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """Lists everything, then compares. Raises StorageError: what could not be listed is not missing."""
    gate = asyncio.Semaphore(PARTS_AT_ONCE)

    async def listed(part: SyncPart) -> None:
        async with gate:
            tell(str(await list_part(resources, part, checksums=checksums)))

    async def compared(part: SyncPart) -> Comparison:
        async with gate:
            return await compare_part(resources, part)

    await all_of(listed(part) for part in plan.parts)
    comparisons = await all_of(compared(part) for part in plan.parts)
    findings = [finding for comparison in comparisons for finding in comparison.findings]
    return sorted(findings, key=lambda finding: (finding.storage, finding.kind, finding.part))


async def mend_all(resources: Resources, plan: SyncPlan) -> tuple[Counter[str], list[Batch]]:
    """Counts by what was done, and the batches that runs are to be started for."""
    sums: Counter[str] = Counter()
    batches: list[Batch] = []
    async for page in lost_pages(resources, plan):
        mended = await mend_page(resources, page)
        sums.update(mended.counts)
        batches += mended.batches
    async for page in orphan_pages(resources, plan):
        sums["quarantined"] += await quarantine_page(resources, plan, page)
    return sums, batches
