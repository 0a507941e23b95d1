"""Webhooks that a receiver did not take at first are sent until it does, for a day."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from blocks.configuration import load_configuration
from flows.policy import PLAIN
from flows.winding_down import mail_until_told
from sais.webhooks.sending import Scope
from tasks.deliver import deliver, tell_dead_receivers


@flow(name="deliver-webhooks", flow_run_name="deliver-webhooks", **PLAIN)
async def deliver_webhooks(
    account: str | None = None,
    batch: Annotated[int, Field(ge=1)] | None = None,
    seconds: Annotated[float, Field(gt=0)] = 600,
) -> dict[str, int]:
    """Sends what is due in the outbox. Returns how many were delivered, put off and given up.

    Args:
        account: Only this account's.
        batch: Only this batch's.
        seconds: Begins nothing new after so long, so that the next run follows with fresh configuration.
    """
    async with mail_until_told(await load_configuration()) as mailing:
        sent = await deliver(mailing, Scope(batch, account, seconds))
        await tell_dead_receivers(mailing)
        return sent
