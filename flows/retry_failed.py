"""Failed images are tried again because somebody asks."""

from prefect import flow
from prefect.runtime import flow_run

from blocks.configuration import load_configuration
from flows.ingest import Account
from flows.policy import PLAIN
from sais.pipeline.resources import open_resources
from tasks.resume import resume
from tasks.retry import send_failed_again


@flow(name="retry-failed", flow_run_name="retry-failed-{account}", **PLAIN)
async def retry_failed(account: Account, reasons: list[str] | None = None) -> int:
    """Sends what has failed again, and nothing that succeeded; clients are told what changes.

    Returns the number of batches that were started; further ones wait for their turn. What is due by itself
    `resume-stalled` tries again each minute.

    Args:
        account: Root of the account.
        reasons: Reasons such as http_503, or their classes: passing (default), permanent, all, network, http_4xx,
            http_5xx.
    """
    configuration = await load_configuration()
    async with open_resources(configuration, run=str(flow_run.id)) as resources:
        batches = await send_failed_again(account, reasons or [], resources)
        return sum([await resume(batch, resources) for batch in batches])
