"""Counts the local originals that are to go, and deletes a page of them."""

from typing import Any

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from sais.evicting.evicting import Evicted, EvictPage, evict_page, plan_eviction
from sais.evicting.rule import Cut, Rule
from sais.pipeline.resources import Resources
from tasks.policy import PLAIN, RETRIED


@task(name="plan-eviction", task_run_name="plan-eviction", **RETRIED)
async def plan_evict(rule: Rule, resources: Resources) -> Cut:
    cut = await plan_eviction(resources, rule)
    get_run_logger().info("%s of %s local originals are to go", cut.files, cut.all_files)
    return cut


@task(name="evict", task_run_name="evict-{page.number}", **RETRIED)
async def evict(page: EvictPage, resources: Resources) -> Evicted:
    evicted = await evict_page(resources, page)
    get_run_logger().info("page %s: %s", page.number, evicted)
    return evicted


@task(name="show-evicted", task_run_name="show-evicted", **PLAIN)
async def show_evicted(cut: Cut, evicted: Evicted) -> None:
    """The plan and what came of it; `evicted` is empty after a dry run."""
    rows: list[dict[str, Any]] = [
        {"local originals": "all", "files": cut.all_files, "MB": round(cut.all_size / 1e6, 1)},
        {"local originals": "planned to go", "files": cut.files, "MB": round(cut.size / 1e6, 1)},
        *({"local originals": fate, "files": count, "MB": None} for fate, count in sorted(evicted.counts.items())),
        {"local originals": "freed", "files": None, "MB": round(evicted.size / 1e6, 1)},
    ]
    await acreate_table_artifact(rows, key="evicted-originals", description="Local originals: the plan and the outcome")
