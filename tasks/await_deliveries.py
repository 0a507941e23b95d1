"""Goes on sending until the webhooks of a batch have arrived.

Apart from `deliver`, whose run each minute would otherwise import storages and imaging for nothing.
"""

from prefect import task
from prefect.logging import get_run_logger

from sais.pipeline.resources import Resources
from sais_models import Batch
from tasks.policy import RETRIED


@task(name="deliver", task_run_name="deliver-{batch.root}-b{batch.id}", **RETRIED)
async def await_deliveries(batch: Batch, resources: Resources) -> int:
    left = await resources.mailing.deliver_batch(batch.id or 0)
    get_run_logger().info("batch %s: %s webhooks still to be delivered", batch.id, left)
    return left
