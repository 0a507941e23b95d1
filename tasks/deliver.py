"""Sends what is due in the outbox, of one batch or of all."""

from prefect import task
from prefect.logging import get_run_logger

from sais.pipeline.notify import deliver_batch, deliver_due
from sais.pipeline.resources import Resources
from sais_models import Batch
from tasks.policy import RETRIED


@task(name="deliver", task_run_name="deliver", **RETRIED)
async def deliver(resources: Resources) -> dict[str, int]:
    sent = await deliver_due(resources)
    get_run_logger().info("%s delivered, %s put off, %s dead", sent["delivered"], sent["pending"], sent["dead"])
    return sent


@task(name="deliver", task_run_name="deliver-{batch.root}-b{batch.id}", **RETRIED)
async def await_deliveries(batch: Batch, resources: Resources) -> int:
    left = await deliver_batch(resources, batch.id or 0)
    get_run_logger().info("batch %s: %s webhooks still to be delivered", batch.id, left)
    return left
