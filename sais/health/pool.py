"""Who would take work: the pool, its workers and their last heartbeat, and the runs under way, as Prefect has them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sais.errors import PrefectUnavailable
from sais.runs import DEPLOYMENT, QUICK_DEPLOYMENT, PrefectApi
from sais_models.columns import utc_now

FLOWS = [name.partition("/")[0] for name in (DEPLOYMENT, QUICK_DEPLOYMENT)]
LOOK_SECONDS = 5.0
# A worker asks its queues each 10 s; Prefect too calls a queue not ready after this long.
SILENT_SECONDS = 60.0
RUNNING = {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}


@dataclass(frozen=True)
class PoolState:
    """`unreachable` and `trouble` are words, None where all is well. `heartbeat` is the age of the newest one in
    seconds, `runs` how many are under way by Prefect's word."""

    unreachable: str | None = None
    trouble: str | None = None
    heartbeat: float | None = None
    runs: int = 0

    @property
    def takes_work(self) -> bool:
        return self.unreachable is None and self.trouble is None


async def look_at_pool(api: PrefectApi) -> PoolState:
    """Never raises for what it finds."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await _look(api, api.settings.work_pool)
    except PrefectUnavailable as error:
        return PoolState(unreachable=f"Prefect cannot be reached: {error}")
    except TimeoutError:
        return PoolState(unreachable=f"Prefect cannot be reached: no answer within {LOOK_SECONDS:.0f} s")


async def _look(api: PrefectApi, pool: str) -> PoolState:
    # The latest heartbeat comes first. A filter by `status` would see the stored one, which is not kept true.
    workers = await api.call("POST", f"/work_pools/{pool}/workers/filter", {"limit": 1}, attempts=2)
    told = await api.call("GET", f"/work_pools/{pool}", attempts=2)
    deployment = await api.call("GET", f"/deployments/name/{DEPLOYMENT}", attempts=2)
    wanted = {"flow_runs": RUNNING, "flows": {"name": {"any_": FLOWS}}}
    runs = await api.call("POST", "/flow_runs/count", wanted, attempts=2)
    queue = await _queue_of(api, pool, deployment)
    found = [worker for worker in workers or () if isinstance(worker, dict)]
    trouble = f"Prefect has no deployment {DEPLOYMENT}" if deployment is None else _trouble(pool, told, found, queue)
    return PoolState(
        trouble=f"Prefect has no work pool {pool}" if workers is None else trouble,
        heartbeat=_age(found[0].get("last_heartbeat_time")) if found else None,
        runs=runs if isinstance(runs, int) else 0,
    )


async def _queue_of(api: PrefectApi, pool: str, deployment: object) -> Mapping[str, Any]:
    """The queue from which runs of this deployment are taken; empty when Prefect tells none."""
    name = deployment.get("work_queue_name") if isinstance(deployment, dict) else None
    queue = await api.call("GET", f"/work_pools/{pool}/queues/{quote(name, safe='')}", attempts=2) if name else None
    return queue if isinstance(queue, dict) else {}


def _trouble(pool: str, told: object, workers: Sequence[Mapping[str, Any]], queue: Mapping[str, Any]) -> str | None:
    if isinstance(told, dict) and told.get("is_paused"):
        return f"the work pool {pool} is paused"
    if not any(worker.get("status") == "ONLINE" for worker in workers):
        return f"no worker of the work pool {pool} is online"
    asked = _age(queue.get("last_polled"))
    if queue and (asked is None or asked > SILENT_SECONDS):
        # A worker that takes from another queue only, such as that of the sweeps, is online for all that.
        return f"no worker of the work pool {pool} takes from the queue {queue.get('name')}"
    return None


def _age(moment: object) -> float | None:
    try:
        born = datetime.fromisoformat(str(moment))
        return max(0.0, (utc_now() - born).total_seconds())
    except (ValueError, TypeError):
        return None
