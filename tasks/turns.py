"""A run takes its turn, and passes it on: to the batches of its own account, and to the accounts that wait."""

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID

from prefect import task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.logging import get_run_logger
from prefect.runtime import deployment

from sais.catalog.media import release_leases
from sais.catalog.stalled import note_run
from sais.catalog.turns import Share, others_wait, pass_on_turn
from sais.pipeline.plan import Order
from sais.pipeline.resources import Resources
from sais_models import Batch
from sais_models.columns import utc_now
from tasks.policy import RETRIED
from tasks.resume import start_again

# A worker asks for runs each 10 s unless told otherwise: one that is late by more waits for another to end.
LATE_SECONDS = 15.0
# Asking costs the Prefect server 20 ms.
PAUSE_SECONDS = 5.0


class Turn:
    """Over when it has lasted as long as the setting says, and somebody waits; not before a chunk is done, so that
    each turn brings a batch forward. No dataclass: a task gets it."""

    def __init__(self, resources: Resources, account: str, batch: int | None) -> None:
        self.account = account
        self.batch = batch
        self.gave_way = False
        self._resources = resources
        self._is_useful = False
        self._ask_at = math.inf

    def begin(self, batch: Batch) -> None:
        self.batch = batch.id
        self._ask_at = time.monotonic() + self._resources.settings.turn_seconds

    def chunk_is_done(self) -> None:
        self._is_useful = True

    async def is_over(self) -> bool:
        now = time.monotonic()
        if self._is_useful and not self.gave_way and now >= self._ask_at:
            self._ask_at = now + PAUSE_SECONDS
            self.gave_way = await self._resources.read(others_wait, self.account) or await runs_wait()
        return self.gave_way


@asynccontextmanager
async def taking_turns(order: Order, resources: Resources) -> AsyncIterator[Turn]:
    """Around the work of a run. However it ends, unless it is cancelled, the turn is passed on."""
    turn = Turn(resources, order.account, order.batch)
    resources.leaves_off = turn.is_over
    try:
        yield turn
    except Exception:
        await _pass_on_at_last(turn, resources)
        raise
    await _pass_on_at_last(turn, resources)


async def _pass_on_at_last(turn: Turn, resources: Resources) -> None:
    """What fails here is shown as a task that failed; the run's own outcome stands, and the sweep starts who waits."""
    with suppress(Exception):
        await pass_on(turn, resources)


@task(name="pass-on", task_run_name="pass-on-{turn.account}", **RETRIED)
async def pass_on(turn: Turn, resources: Resources) -> None:
    share = Share.of(resources.settings)
    if turn.gave_way:
        # The next run may begin before this one has closed everything.
        await resources.write(release_leases, resources.run)
    batch = await resources.write(pass_on_turn, turn.account, share, ended=turn.batch or 0, gave_way=turn.gave_way)
    if turn.gave_way:
        get_run_logger().info("batch %s gives way to those who wait, and goes on in another run", turn.batch)
    if batch is not None:
        run = await start_again(batch)
        await resources.write(note_run, batch, str(run.id))
        get_run_logger().info("batch %s of %s has its turn next, in flow run %s", batch.id, batch.root, run.id)


async def runs_wait() -> bool:
    """Whether runs of this deployment should have begun: no worker takes them before another run ends."""
    if not deployment.id:
        return False
    waiting = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[UUID(str(deployment.id))]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(
            before_=utc_now() - timedelta(seconds=LATE_SECONDS)
        ),
    )
    async with get_client() as client:
        return await client.count_flow_runs(flow_run_filter=waiting) > 0
