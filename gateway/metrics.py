"""`GET /metrics` for Prometheus: what this process has answered, and what the database holds."""

import asyncio
import os
import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import chain

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Counter, Histogram, Info, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from gateway.measured import families, families_of_health
from gateway.page_access import PageAccess
from gateway.state import State
from sais.bots import BotScope
from sais.catalog.threaded import ThreadedDatabase
from sais.health import Health
from sais.measurements import Measurements, measure

router = APIRouter(tags=["health"])

KEPT_SECONDS = 5.0
# Counting may take a twentieth of the time of one core, however many rows there are.
KEPT_TIMES_COST = 20
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)


class Metrics:
    """One for each application. Counters are this process's own: with several workers each has its `process`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "sais_requests", "Requests answered", ["method", "route", "status", "process"], registry=self._registry
        )
        self._seconds = Histogram(
            "sais_request_seconds",
            "Time to the end of the answer",
            ["route", "process"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._bad_bots = Counter(
            "sais_bad_bot_hits", "Requests refused as a bad bot's", ["scope", "process"], registry=self._registry
        )
        build = {"version": version("sais"), "python": platform.python_version()}
        Info("sais_build", "What is running", registry=self._registry).info(build)
        self._kept: tuple[float, Measurements | None] = (0.0, None)
        self._lock = asyncio.Lock()

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template of the path: strangers cannot make series without end."""
        process = str(os.getpid())
        self._requests.labels(method if method in METHODS else "other", route, str(status), process).inc()
        self._seconds.labels(route, process).observe(seconds)

    def count_bad_bot(self, scope: BotScope) -> None:
        self._bad_bots.labels(scope.value, str(os.getpid())).inc()

    async def text(self, database: ThreadedDatabase, health: Health) -> bytes:
        """Counts anew at most once in `KEPT_SECONDS`, however many ask."""
        async with self._lock:
            if time.monotonic() >= self._kept[0]:
                self._kept = await self._measure(database)
        return generate_latest(self._registry) + generate_latest(_Measured(self._kept[1], health))

    async def _measure(self, database: ThreadedDatabase) -> tuple[float, Measurements | None]:
        """Until when it may be told, and what was found; None when the database does not answer."""
        start = time.monotonic()
        try:
            found = await database.read(measure)
        except SQLAlchemyError:
            found = None
        end = time.monotonic()
        return end + max(KEPT_SECONDS, KEPT_TIMES_COST * (end - start)), found


class _Measured(Collector):
    def __init__(self, measurements: Measurements | None, health: Health) -> None:
        self._measurements, self._health = measurements, health

    def collect(self) -> Iterator[Metric]:
        return chain(families(self._measurements), families_of_health(self._health))


@router.get("/metrics", dependencies=[PageAccess], response_class=PlainTextResponse)
async def read_metrics(request: Request, state: State) -> Response:
    """For Prometheus. Away from loopback it needs the registration token as the password of Basic authentication."""
    metrics: Metrics = request.app.state.metrics
    return Response(await metrics.text(state.database, await state.watch.health()), media_type=CONTENT_TYPE_PLAIN_0_0_4)
