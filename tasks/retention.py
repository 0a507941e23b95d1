"""What has served its time: rows of the database, and what Prefect keeps of our runs."""

import asyncio
import contextlib
from datetime import datetime

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

from sais.catalog.retention import OldRows
from sais.pipeline.resources import Resources
from sais.retention import count_old, remove_old
from tasks.artifacts import OUR_KEYS
from tasks.policy import RETRIED

PAGE = 200
DEPLOYMENTS_TAG = "sais"


@task(name="old-rows", task_run_name="old-rows", **RETRIED)
async def old_rows(resources: Resources, *, dry_run: bool) -> OldRows:
    """Deletes delivered webhooks and settled batches that are old enough; counts them only, in a dry run."""
    work = count_old if dry_run else remove_old
    return await asyncio.to_thread(work, resources.engine, resources.settings)


@task(name="old-runs", task_run_name="old-runs", **RETRIED)
async def old_runs(before: datetime | None, *, dry_run: bool) -> int:
    """Ended flow runs of our deployments, with their task runs and logs. None keeps all."""
    if before is None:
        return 0
    async with get_client() as client:
        ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[DEPLOYMENTS_TAG]))
        deployments = [deployment.id for deployment in await client.read_deployments(deployment_filter=ours)]
        ended = FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=deployments),
            end_time=FlowRunFilterEndTime(before_=before),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))),
        )
        if dry_run:
            return await client.count_flow_runs(flow_run_filter=ended)
        removed = 0
        while runs := await client.read_flow_runs(flow_run_filter=ended, sort=FlowRunSort.END_TIME_DESC, limit=PAGE):
            for run in runs:
                with contextlib.suppress(ObjectNotFound):
                    await client.delete_flow_run(run.id)
            removed += len(runs)
        return removed


@task(name="old-artifacts", task_run_name="old-artifacts", **RETRIED)
async def old_artifacts(before: datetime | None, *, dry_run: bool) -> int:
    """Artifacts under our keys that nobody has changed since. None keeps all."""
    if before is None:
        return 0
    async with get_client() as client:
        return sum([await _old_of_key(client, key, before, dry_run=dry_run) for key in OUR_KEYS])


async def _old_of_key(client: PrefectClient, key: str, before: datetime, *, dry_run: bool) -> int:
    """From the newest to the oldest: Prefect has no filter by time, so fresh ones are passed over."""
    wanted = ArtifactFilter(key=ArtifactFilterKey(like_=key))
    offset = removed = 0
    while page := await client.read_artifacts(
        artifact_filter=wanted, sort=ArtifactSort.UPDATED_DESC, limit=PAGE, offset=offset
    ):
        old = [artifact for artifact in page if artifact.updated is not None and artifact.updated < before]
        for artifact in old if not dry_run else ():
            with contextlib.suppress(ObjectNotFound):
                await client.delete_artifact(artifact.id)
        removed += len(old)
        offset += len(page) if dry_run else len(page) - len(old)
    return removed


@task(name="show-retention", task_run_name="show-retention", **RETRIED)
async def show_retention(tally: dict[str, int], *, dry_run: bool) -> None:
    rows = [{"what": what, "number": number} for what, number in tally.items()]
    words = "would be deleted" if dry_run else "deleted"
    await acreate_table_artifact(rows, key="retention", description=f"What has served its time, {words}")
    get_run_logger().info("%s: %s", words, ", ".join(f"{number} {what}" for what, number in tally.items()))
