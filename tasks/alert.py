"""Tells operators: in the log, as an artifact, and through the notification block that they have made."""

import prefect.blocks.notifications  # noqa: F401  so that any of its blocks can be loaded
from prefect import task
from prefect.artifacts import acreate_markdown_artifact
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger

from tasks.policy import PLAIN

# A Slack, Teams, e-mail … block of this name is spoken through, when there is one.
ALERT_BLOCK = "sais-alerts"


@task(name="tell", task_run_name="tell-{subject}", **PLAIN)
async def tell(subject: str, message: str) -> None:
    get_run_logger().warning("%s: %s", subject, message)
    await acreate_markdown_artifact(
        key=f"alert-{subject}", markdown=message, description="What an automation has noticed"
    )


@task(name="notify-operators", task_run_name="notify-operators-{subject}", retries=3, retry_delay_seconds=10, **PLAIN)
async def notify_operators(subject: str, message: str) -> int:
    """Returns through how many blocks."""
    async with get_client() as client:
        documents = [document for document in await client.read_block_documents() if document.name == ALERT_BLOCK]
    sent = 0
    for document in documents:
        kind = document.block_type.slug if document.block_type else ""
        block: Block = await Block.aload(f"{kind}/{ALERT_BLOCK}")
        if isinstance(block, NotificationBlock):
            await block.notify(message, subject=f"SAIS: {subject}")
            sent += 1
    return sent
