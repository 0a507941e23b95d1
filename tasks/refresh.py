"""Counts the sources that are due, and asks a slice of them."""

from collections import Counter
from datetime import datetime

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from sais.catalog.sources import count_due
from sais.pipeline.resources import Resources
from sais.refreshing.parts import RefreshPart
from sais.refreshing.refreshing import RefreshReport, refresh_part
from tasks.policy import PLAIN, RETRIED


@task(name="plan-refresh", task_run_name="plan-refresh-{account}", **RETRIED)
async def plan_refresh(account: str, before: datetime, resources: Resources) -> int:
    due = await resources.read(count_due, account, before)
    get_run_logger().info("%s: %s sources are due", account, due)
    return due


@task(name="refresh", task_run_name="refresh-{part.name}", **RETRIED)
async def refresh(part: RefreshPart, resources: Resources) -> RefreshReport:
    async with resources.gates["download"]:
        report = await refresh_part(resources, part)
    log = get_run_logger()
    log.info(str(report))
    for failure in report.failures:
        log.warning("%s stays as it is: %s (%s)", failure.code, failure.reason, failure.address)
    return report


@task(name="show-refreshed", task_run_name="show-refreshed", **PLAIN)
async def show_refreshed(sums: dict[str, Counter[str]]) -> None:
    rows = [{"account": root, **counts} for root, counts in sums.items()]
    await acreate_table_artifact(
        rows, key="refreshed-sources", description="Sources: how many were asked, and said what"
    )
