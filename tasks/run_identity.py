"""A run tells by its name and tags which account, batch and lane it works for."""

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from sais.runs import request_tags
from sais_models import Batch


async def identify_run(batch: Batch) -> None:
    """Known only after planning: a run that was started with URLs has no batch before."""
    if not flow_run.id:
        return
    tags = {*flow_run.tags, f"account:{batch.root}", f"lane:{batch.lane}", *request_tags(batch.request_id)}
    async with get_client() as client:
        await client.update_flow_run(flow_run.id, name=f"ingest-{batch.root}-b{batch.id}", tags=sorted(tags))
