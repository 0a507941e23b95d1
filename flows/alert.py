"""What automations notice is told to operators."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.policy import PLAIN
from tasks.alert import notify_operators, tell


@flow(name="alert", flow_run_name="alert-{subject}", **PLAIN)
async def alert(subject: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")], message: str) -> int:
    """Writes it down as an artifact, and speaks through the notification block `sais-alerts` where there is one.

    Args:
        subject: What it is about; the artifact's key is `alert-SUBJECT`.
        message: For people.
    """
    await tell(subject, message)
    return await notify_operators(subject, message)
