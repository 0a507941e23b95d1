"""Finds or makes the batch, fills it, and cuts what is pending into chunks."""

from prefect import task

from sais.pipeline.plan import Order, Plan, plan_batch
from sais.pipeline.resources import Resources
from tasks.policy import RETRIED
from tasks.run_identity import identify_run


@task(name="plan", task_run_name="plan-{order.account}", **RETRIED)
async def plan(order: Order, resources: Resources) -> Plan:
    made = await plan_batch(resources, order)
    await identify_run(made.batch)
    return made
