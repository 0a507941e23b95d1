"""Webhooks that a receiver did not take at first are sent until it does, for a day."""

from prefect import flow
from prefect.runtime import flow_run

from blocks.configuration import load_configuration
from sais.pipeline.resources import open_resources
from tasks.deliver import deliver


@flow(name="deliver-webhooks", flow_run_name="deliver-webhooks")
async def deliver_webhooks() -> dict[str, int]:
    """Sends everything in the outbox that is due. Returns how many were delivered, put off and given up."""
    configuration = await load_configuration()
    async with open_resources(configuration, run=str(flow_run.id)) as resources:
        return await deliver(resources)
