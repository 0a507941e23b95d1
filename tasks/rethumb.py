"""Plans what is stale, and makes a part of it again."""

from prefect import task
from prefect.logging import get_run_logger

from sais.pipeline.resources import Resources
from sais.pipeline.rethumb import PartReport, end_rethumb, rethumb_part
from sais.rethumbing.parts import Part, Wanted
from sais.rethumbing.planning import RethumbPlan, plan_rethumb
from sais.rethumbing.work import Rethumbing
from tasks.policy import RETRIED
from tasks.rethumb_artifacts import show_failed, show_made, show_plan


@task(name="plan-rethumb", task_run_name="plan-rethumb", **RETRIED)
async def plan_stale(wanted: Wanted, resources: Resources) -> RethumbPlan:
    plan = await plan_rethumb(resources, wanted)
    await show_plan(plan)
    return plan


@task(name="rethumb", task_run_name="rethumb-{part.name}", **RETRIED)
async def rethumb(part: Part, work: Rethumbing) -> PartReport:
    report = await rethumb_part(work, part)
    log = get_run_logger()
    log.info(str(report))
    for failure in report.failures:
        log.warning("%s keeps its old thumbs: %s (%s)", failure.code, failure.reason, failure.address)
    return report


@task(name="end-rethumb", task_run_name="end-rethumb", **RETRIED)
async def finish_rethumb(work: Rethumbing) -> dict[str, int]:
    """Tells people what came of it, and returns the sums."""
    await end_rethumb(work)
    await show_made(work)
    await show_failed(work)
    get_run_logger().info("rethumbnail: %s", ", ".join(f"{count} {name}" for name, count in work.sums.items()))
    return work.sums
