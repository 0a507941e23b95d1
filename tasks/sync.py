"""Lists what the storages have, compares it with the rows, and mends what differs."""

from datetime import timedelta

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from sais.pipeline.resources import Resources
from sais.syncing.comparing import Comparison, compare_part
from sais.syncing.listing import ListingReport, list_part
from sais.syncing.mending import Mended, mend_page
from sais.syncing.outcome import SyncOutcome
from sais.syncing.pages import Page
from sais.syncing.plan import SyncPart, SyncPlan, plan_sync
from sais.syncing.quarantine import quarantine_page
from tasks.policy import PLAIN, RETRIED


@task(name="plan-sync", task_run_name="plan-sync-{account}", **RETRIED)
async def plan_listings(account: str, resources: Resources, orphan_age: timedelta) -> SyncPlan:
    return await plan_sync(resources, account, orphan_age=orphan_age)


@task(name="list", task_run_name="list-{part.name}", **RETRIED)
async def list_directories(part: SyncPart, resources: Resources, checksums: bool) -> ListingReport:
    report = await list_part(resources, part, checksums=checksums)
    get_run_logger().info(str(report))
    return report


@task(name="compare", task_run_name="compare-{part.name}", **RETRIED)
async def compare(part: SyncPart, resources: Resources) -> Comparison:
    comparison = await compare_part(resources, part)
    get_run_logger().info(str(comparison))
    return comparison


@task(name="mend", task_run_name="mend-{page.name}", **RETRIED)
async def mend(page: Page, resources: Resources) -> Mended:
    mended = await mend_page(resources, page)
    get_run_logger().info(str(mended))
    return mended


@task(name="quarantine", task_run_name="quarantine-{page.name}", **RETRIED)
async def quarantine(page: Page, plan: SyncPlan, resources: Resources) -> int:
    moved = await quarantine_page(resources, plan, page)
    get_run_logger().info("quarantine %s: %s files moved", page.name, moved)
    return moved


@task(name="show-sync", task_run_name="show-sync-{outcome.root}", **PLAIN)
async def show_sync(outcome: SyncOutcome) -> None:
    """A table by kind and directory with the first examples, and one of the sums."""
    root = outcome.root
    key = root.replace("_", "-")  # Prefect takes no underscores
    await acreate_table_artifact(
        outcome.finding_rows, key=f"sync-differences-{key}", description=f"Where {root}'s files and rows differ"
    )
    await acreate_table_artifact(outcome.sum_rows, key=f"sync-sums-{key}", description=f"What the sync of {root} found")
