"""What the storages have is compared with what the rows say."""

from datetime import timedelta
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from blocks.configuration import load_configuration
from flows.ingest import Account
from flows.policy import PLAIN
from flows.winding_down import open_until_told
from flows.window import in_window
from sais.pipeline.resources import Resources
from sais.syncing.comparing import MISSING_SHARE, Finding, check_shares
from sais.syncing.outcome import SyncOutcome, outcome_of
from sais.syncing.pages import lost_pages, orphan_pages
from sais.syncing.plan import SyncPart, SyncPlan, all_roots
from sais.syncing.whole import PARTS_AT_ONCE
from tasks.resume import resume
from tasks.sync import compare, list_directories, mend, plan_listings, quarantine, show_sync

Share = Annotated[float, Field(ge=0, le=1)]


@flow(name="sync-storage", flow_run_name="sync-storage", **PLAIN)
async def sync_storage(
    accounts: list[Account] | None = None,
    repair: bool = False,
    checksums: bool = False,
    allow_missing_share: Share = MISSING_SHARE,
    orphan_minutes: Annotated[int, Field(ge=0)] = 60,
) -> dict[str, dict[str, int]]:
    """Lists archive and thumb cache by their directories and tells what is missing, orphaned or other than its row.

    Without `repair` nothing is changed. With it, lost thumbs are made again, lost originals come from this machine or
    their source, and files that no row names move to `.quarantine/DATE/`.

    Args:
        accounts: Roots of accounts; default: all.
        repair: Mend what differs.
        checksums: Read the originals in the archive too, each version once.
        allow_missing_share: Largest share of a storage's files that may be lost and is mended, 0 to 1.
        orphan_minutes: Younger files are no orphans, for their rows may be on their way.
    """
    configuration = await load_configuration()
    sums: dict[str, dict[str, int]] = {}
    async with open_until_told(configuration, str(flow_run.id)) as resources:

        async def sync(root: str) -> None:
            plan = await plan_listings(root, resources, timedelta(minutes=orphan_minutes))
            outcome = await find(plan, resources, checksums)
            await show_sync(outcome)
            if repair:
                await check_shares(resources, plan, outcome.findings, allow_missing_share)
                await repair_all(plan, resources, outcome)
            sums[root] = dict(outcome.sums)

        troubles = await in_window(sync, accounts if accounts else await resources.read(all_roots), size=1)
        if troubles:
            raise troubles[0]
        return sums


async def find(plan: SyncPlan, resources: Resources, checksums: bool) -> SyncOutcome:
    """All is listed before anything is compared; what could not be listed is not missing."""
    findings: list[Finding] = []

    async def listed(part: SyncPart) -> None:
        await list_directories(part, resources, checksums)

    async def compared(part: SyncPart) -> None:
        findings.extend((await compare(part, resources)).findings)

    for step in (listed, compared):
        troubles = await in_window(step, plan.parts, size=PARTS_AT_ONCE)
        if troubles:
            raise troubles[0]
    return await outcome_of(resources, plan, findings)


async def repair_all(plan: SyncPlan, resources: Resources, outcome: SyncOutcome) -> None:
    """What cannot be had from this machine is a batch of `ingest`."""
    async for page in lost_pages(resources, plan):
        mended = await mend(page, resources)
        outcome.sums.update(mended.counts)
        for batch in mended.batches:
            await resume(batch, resources)
    async for page in orphan_pages(resources, plan):
        outcome.sums["quarantined"] += await quarantine(page, plan, resources)
