"""Counts stale thumbs, and makes a slice of them again."""

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from sais.catalog.stale import StaleCount
from sais.pipeline.resources import Resources
from sais.pipeline.rethumb import Part, PartReport, plan_rethumb, rethumb_part
from tasks.policy import RETRIED


@task(name="plan-rethumb", task_run_name="plan-rethumb", **RETRIED)
async def plan_stale(resources: Resources, accounts: list[str], presets: list[str]) -> list[StaleCount]:
    stale = await plan_rethumb(resources, accounts, presets)
    rows = [
        {"account": s.root, "preset": s.preset, "stale thumbs": s.thumbs, "MB to read": round(s.size / 1e6, 1)}
        for s in stale
    ]
    await acreate_table_artifact(rows, key="stale-thumbs", description="Thumbs that another recipe made")
    return stale


@task(name="rethumb", task_run_name="rethumb-{part.name}", **RETRIED)
async def rethumb(part: Part, resources: Resources, presets: list[str]) -> PartReport:
    async with resources.gates["resize"]:
        report = await rethumb_part(resources, part, presets)
    log = get_run_logger()
    log.info(str(report))
    for failure in report.failures:
        log.warning("%s failed: %s (%s)", failure.code, failure.reason, failure.address)
    return report
