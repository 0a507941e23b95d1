"""Sends what is due in the outbox, and tells of receivers that have died."""

from prefect import task
from prefect.events import emit_event
from prefect.logging import get_run_logger

from sais.webhooks.mailing import Mailing
from sais.webhooks.sending import Scope
from tasks.policy import RETRIED

RECEIVER_DEAD = "sais.receiver.dead"


@task(name="deliver", task_run_name="deliver", **RETRIED)
async def deliver(mailing: Mailing, scope: Scope) -> dict[str, int]:
    sent = await mailing.deliver_due(scope)
    get_run_logger().info("%s delivered, %s put off, %s dead", sent["delivered"], sent["pending"], sent["dead"])
    return sent


@task(name="tell-dead-receivers", task_run_name="tell-dead-receivers", **RETRIED)
async def tell_dead_receivers(mailing: Mailing) -> int:
    """One event for each that died; automations react to it."""
    dead = await mailing.newly_dead()
    for receiver in dead:
        get_run_logger().warning("%s of %s takes no webhooks: %s", receiver.address, receiver.root, receiver.reason)
        emit_event(
            RECEIVER_DEAD,
            resource={
                "prefect.resource.id": f"sais.receiver.{receiver.root}.{receiver.address}",
                "prefect.resource.name": f"{receiver.address} of {receiver.root}",
                "sais.account": receiver.root,
            },
            payload={
                "account": receiver.root,
                "receiver": receiver.address,
                "failures": receiver.failures,
                "reason": receiver.reason,
            },
        )
    return len(dead)
