"""Moves rows between the database and files: begins, goes on by some pages, tells what came of it."""

import asyncio

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from sais.pipeline.resources import Resources
from sais.transfer import Export, ExportOrder, Import, ImportOrder, count_rows
from tasks.policy import RETRIED

# A task run costs up to 50 ms in the server, a page about 200 ms of work: one run for some pages.
STEPS = 10
BAD_SHOWN = 200

Moving = Export | Import


@task(name="count-export", task_run_name="count-export", **RETRIED)
async def count_export(order: ExportOrder, resources: Resources) -> dict[str, int]:
    rows = await asyncio.to_thread(count_rows, resources.engine, order)
    await _show([{"kind": kind, "rows": count} for kind, count in rows.items()], f"Export to {order.dest}, planned")
    return rows


@task(name="begin-transfer", task_run_name="begin-transfer", **RETRIED)
async def begin_transfer(order: ExportOrder | ImportOrder, resources: Resources) -> Moving:
    """Where an interrupted one with the same order stopped, it goes on."""
    if isinstance(order, ExportOrder):
        return await asyncio.to_thread(Export, resources.engine, order, resources.settings.public_url)
    return await asyncio.to_thread(Import, resources.engine, order, resources.guard)


@task(name="move-rows", task_run_name="move-rows", **RETRIED)
async def move_rows(moving: Moving) -> bool:
    """Some pages. Whether there may be more."""
    said = None
    for _ in range(STEPS):
        step = await asyncio.to_thread(moving.step)
        if step is None:
            break
        said = step
    if said:
        get_run_logger().info(said)
    return step is not None


@task(name="end-transfer", task_run_name="end-transfer", **RETRIED)
async def end_transfer(moving: Moving) -> dict[str, int]:
    """Rows of each kind that were written, or added and updated here. No key is ever told."""
    if isinstance(moving, Export):
        rows = await asyncio.to_thread(moving.finish)
        table = [{"kind": kind, "rows": count} for kind, count in rows.items()]
        await _show(table, f"Export to {moving.order.dest}")
        return rows
    await _show(moving.tally.rows(), f"Import from {moving.order.src}")
    if moving.tally.bad:
        await acreate_table_artifact(
            moving.tally.bad[:BAD_SHOWN], key="transfer-bad-lines", description=f"{moving.tally.refused} bad lines"
        )
    if moving.new_keys:
        get_run_logger().warning(
            "%s accounts have keys that nobody knows: `sais rotate-key ROOT` gives each one", len(moving.new_keys)
        )
    return {kind.value: sums["added"] + sums["updated"] for kind, sums in moving.tally.sums.items()}


async def _show(rows: list[dict[str, object]], description: str) -> None:
    await acreate_table_artifact(rows, key="transfer", description=description)
