"""Tells what is to go, and deletes it a slice at a time."""

from collections.abc import Sequence

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from sais.catalog.purging import PurgeCount
from sais.catalog.threaded import ThreadedDatabase
from sais.pipeline.resources import Resources
from sais.purging import (
    PIECE,
    AccountEnd,
    Files,
    Purge,
    Purged,
    begin_account,
    codes_by_root,
    end_account,
    next_codes,
    plan_account,
    plan_media,
    plan_row,
)
from tasks.policy import RETRIED


@task(name="plan-purge", task_run_name="plan-purge", **RETRIED)
async def plan_purge(resources: Resources, account: str | None, media: Sequence[str]) -> list[PurgeCount]:
    if account is not None:
        plan = [await resources.read(plan_account, account)]
    else:
        plan = await resources.read(plan_media, media)
    rows = [plan_row(count) for count in plan]
    await acreate_table_artifact(rows, key="purge-plan", description="What a purge would delete, or has deleted")
    return plan


@task(name="open-purge", task_run_name="open-purge-{root}", **RETRIED)
async def open_purge(resources: Resources, root: str, *, whole: bool) -> Purge:
    """With `whole` the account is nobody's from now on."""
    database = ThreadedDatabase(resources.engine)
    if whole:
        await begin_account(database, root)
    files = Files(resources.settings.originals_dir, resources.archive, resources.cache)
    return Purge(database, files, root, resources.settings.lease_seconds)


@task(name="find-media", task_run_name="find-media", **RETRIED)
async def find_codes(resources: Resources, codes: Sequence[str]) -> dict[str, list[str]]:
    return await resources.read(codes_by_root, codes)


@task(name="next-media", task_run_name="next-media-{purge.root}", **RETRIED)
async def next_media(purge: Purge, after: str) -> list[str]:
    """The next slice of the account's codes; empty at the end."""
    return await purge.database.read(next_codes, purge.root, after, PIECE)


@task(name="purge", task_run_name="purge-{purge.root}", **RETRIED)
async def purge_piece(purge: Purge, codes: Sequence[str]) -> Purged:
    purged = await purge.piece(codes)
    get_run_logger().info("%s media of %s deleted, %s held by a run", purged.deleted, purge.root, purged.busy)
    return purged


@task(name="end-account", task_run_name="end-account-{purge.root}", **RETRIED)
async def end_purge(purge: Purge) -> AccountEnd:
    end = await end_account(purge.database, purge.files, purge.root)
    get_run_logger().info(
        "%s: %s", purge.root, "gone" if end.buried else f"goes when {end.waiting} webhooks are delivered"
    )
    return end
