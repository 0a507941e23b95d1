"""Honest health: whether work that is handed in now would be done."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from sais.errors import PrefectUnavailable
from sais.overview import Queue
from sais.runs import DEPLOYMENT, PrefectApi
from sais_models.wire import Wire

router = APIRouter(tags=["health"])
log = logging.getLogger(__name__)

KEPT_SECONDS = 1.5
# A photograph takes about 25 ms of CPU: these keep two cores busy for two minutes.
BUSY_IMAGES = 10_000


class QueueStatus(Wire):
    """Batches that are not settled, and their images still to be done."""

    batches: int
    images: int


class Status(Wire):
    """`status`: okay; busy, much waits; stalled, nothing takes the work; blocked, no database. `detail` says why."""

    status: str
    detail: str | None = None
    worker: bool
    database: str
    queue: QueueStatus | None


class Health:
    """Asks the database and Prefect at most once in `KEPT_SECONDS`, however many ask."""

    def __init__(self, api: PrefectApi, queue: Callable[[], Awaitable[Queue]]) -> None:
        self._api, self._queue = api, queue
        self._lock = asyncio.Lock()
        self._kept: tuple[float, Status] | None = None

    async def status(self) -> Status:
        async with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                self._kept = (time.monotonic(), await self._look())
            return self._kept[1]

    async def _look(self) -> Status:
        queue, trouble = await asyncio.gather(self._waiting(), self._worker_trouble())
        if queue is None:
            return Status(
                status="blocked", detail="no database", worker=trouble is None, database="unreachable", queue=None
            )
        word = "stalled" if trouble else "busy" if queue.images > BUSY_IMAGES else "okay"
        return Status(
            status=word,
            detail=trouble,
            worker=trouble is None,
            database="ok",
            queue=QueueStatus(batches=queue.batches, images=queue.images),
        )

    async def _waiting(self) -> Queue | None:
        try:
            return await self._queue()
        except SQLAlchemyError:
            log.exception("the database does not answer")
            return None

    async def _worker_trouble(self) -> str | None:
        """Why nothing takes the work; None when the deployment is there and a worker is online."""
        pool = self._api.settings.work_pool
        try:
            # The latest heartbeat comes first. A filter by `status` would see the stored one, which is not kept true.
            workers = await self._api.call("POST", f"/work_pools/{pool}/workers/filter", {"limit": 1}, attempts=2)
            if await self._api.call("GET", f"/deployments/name/{DEPLOYMENT}", attempts=2) is None:
                return f"Prefect has no deployment {DEPLOYMENT}"
        except PrefectUnavailable as error:
            return f"Prefect cannot be reached: {error}"
        if workers is None:
            return f"Prefect has no work pool {pool}"
        online = any(isinstance(worker, dict) and worker.get("status") == "ONLINE" for worker in workers)
        return None if online else f"no worker of the work pool {pool} is online"


def _health_of(request: Request) -> Health:
    health: Health = request.app.state.gateway.health
    return health


@router.get("/status", responses={"503": {"model": Status, "description": "No database: nothing can be taken"}})
async def status(health: Annotated[Health, Depends(_health_of)], response: Response) -> Status:
    """Whether work that is handed in now would be done. Answers 503 when nothing can be taken at all."""
    found = await health.status()
    response.status_code = 503 if found.status == "blocked" else 200
    response.headers["Cache-Control"] = "no-store"
    return found
