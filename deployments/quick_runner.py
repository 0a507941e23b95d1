"""The quick lane's process: takes up requests of a few images at once and runs their flow itself.

PREFECT_API_URL=… python -m deployments.quick_runner
"""

import asyncio
import logging
import signal
import sys
import threading
import time
from collections import Counter
from types import FrameType
from uuid import uuid4

from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow_async
from prefect.settings import get_current_settings
from sqlalchemy.exc import SQLAlchemyError

from blocks.configuration import load_configuration
from flows.kept_resources import KEPT, KeptResources
from flows.quick import quick
from sais.catalog.batches import find_request_ids
from sais.catalog.database import open_database
from sais.catalog.quick import give_back, take_batches, waiting_batches
from sais.catalog.threaded import ThreadedDatabase
from sais.errors import SaisError
from sais.runs import QUICK_DEPLOYMENT, Deployment, PrefectApi, PrefectSettings, quick_request

log = logging.getLogger(__name__)

# Asking costs 0.5 ms of CPU. What comes in within this time is one run for its account.
POLL_SECONDS = 0.05
RUNS_AT_ONCE = 8
# Not one, so that a slow origin does not hold up an account's next request; few, so that a burst becomes few runs.
ACCOUNT_RUNS_AT_ONCE = 2
BATCHES_IN_A_RUN = 50
# Longer than the gateway takes to look for what the lane does not take.
TROUBLE_SECONDS = 3.0
# `sais up` kills what has not ended 10 s after it was told to.
STOP_SECONDS = 5.0


def prefect_settings() -> PrefectSettings:
    """Where the flows of this process report to; a profile of Prefect's counts too."""
    api = get_current_settings().api
    return PrefectSettings(api_url=api.url, api_auth_string=api.auth_string, api_key=api.key)


class QuickRunner:
    """Any number of them may work on one database: a batch belongs to the one that took it first."""

    def __init__(self, database: ThreadedDatabase, api: PrefectApi, kept: KeptResources) -> None:
        self._database = database
        self._deployment = Deployment(api, QUICK_DEPLOYMENT)
        self._kept = kept
        self._going: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._resting_until = 0.0

    async def work_until(self, stop: asyncio.Event) -> None:
        """Then lets the runs under way end, and cancels those that do not within 5 s."""
        KEPT.set(self._kept)
        while not stop.is_set():
            try:
                await self.take_up()
            except SQLAlchemyError:
                log.exception("the database does not answer")
                self._resting_until = time.monotonic() + TROUBLE_SECONDS
            try:
                await asyncio.wait_for(stop.wait(), POLL_SECONDS)
            except TimeoutError:
                continue
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def take_up(self) -> None:
        """Starts a run for each account that has requests waiting and is not at its limit."""
        if time.monotonic() < self._resting_until:
            return
        waiting: dict[str, list[int]] = {}
        for batch in await self._database.read(waiting_batches):
            waiting.setdefault(batch.root, []).append(batch.id or 0)
        for account, ids in waiting.items():
            if self._going.total() >= RUNS_AT_ONCE:
                return
            if self._going[account] < ACCOUNT_RUNS_AT_ONCE:
                await self._start(account, ids[:BATCHES_IN_A_RUN])

    async def _start(self, account: str, ids: list[int]) -> None:
        taker = f"quick-{uuid4().hex}"
        taken = await self._database.write(take_batches, ids, taker)
        if taken:
            self._going[account] += 1
            task = asyncio.create_task(self._run(account, taken, taker))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, account: str, batches: list[int], taker: str) -> None:
        """The engine keeps errors of the flow in its state; what a failed run leaves, the sweep takes up."""
        try:
            requests = await self._database.read(find_request_ids, batches)
            run, _ = await asyncio.gather(
                self._deployment.create_run(quick_request(account, batches, taker, requests.values())),
                self._kept.refresh(),
            )
            # For a run of a deployment the engine opens a websocket in a thread, to hear of a suspension, and blocks
            # this loop for 0.1 s at the start and 0.2 s at the end. Prefect's own record keeps the deployment.
            flow_run = FlowRun.model_validate({**run, "deployment_id": None})
            await run_flow_async(quick, flow_run, parameters=flow_run.parameters, return_type="state")
        except SaisError as error:
            log.warning("batches %s of %s wait again: %s", batches, account, error)
            self._resting_until = time.monotonic() + TROUBLE_SECONDS
            await self._database.write(give_back, taker)
        except Exception:
            log.exception("a quick run of %s ended in an error", account)
        finally:
            self._going[account] -= 1


async def serve(stop: asyncio.Event) -> None:
    """Raises SaisError when the configuration or the database cannot be had."""
    configuration = await load_configuration()
    engine = await asyncio.to_thread(open_database, configuration.database_url)
    kept = KeptResources()
    try:
        async with PrefectApi(prefect_settings()) as api:
            await kept.refresh()
            await QuickRunner(ThreadedDatabase(engine), api, kept).work_until(stop)
    finally:
        await kept.close()
        engine.dispose()


class Service(threading.Thread):
    """In a thread of its own: in the main one Prefect's engine would put its own handler on SIGTERM during each run,
    and one such signal would crash every run under way."""

    def __init__(self) -> None:
        super().__init__(name="quick-runner")
        self.trouble: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(serve(self._ending))
        except SaisError as error:
            self.trouble = error

    def end(self, number: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    service = Service()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, service.end)
    service.start()
    service.join()
    if service.trouble is not None:
        print(f"quick runner: {service.trouble}", file=sys.stderr)
    return 0 if service.trouble is None else 1


if __name__ == "__main__":
    sys.exit(main())
