"""Finds or makes the batch, fills it, and cuts what is pending into chunks."""

from collections.abc import Sequence

from prefect import task
from prefect.logging import get_run_logger

from sais.pipeline.plan import Order, Plan, plan_batch
from sais.pipeline.resources import Resources
from tasks.policy import RETRIED


@task(name="plan", task_run_name="plan-{order.account}", **RETRIED)
async def plan(order: Order, resources: Resources) -> Plan:
    made = await plan_batch(resources, order)
    _tell(made)
    return made


@task(name="plan", task_run_name="plan-{account}", **RETRIED)
async def plan_together(account: str, batches: Sequence[int], resources: Resources) -> list[Plan]:
    """Of batches that exist. The run has its name and tags already."""
    plans = [await plan_batch(resources, Order(account, batch=batch)) for batch in batches]
    for made in plans:
        _tell(made)
    return plans


def _tell(made: Plan) -> None:
    get_run_logger().info(
        "batch %s: %s chunks to do, request %s", made.batch.id, len(made.chunks), made.batch.request_id or "none"
    )
