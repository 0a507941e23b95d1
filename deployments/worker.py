"""A worker that stops gracefully: its runs finish what they have in hand, and go on with the next worker.

PREFECT_API_URL=… python -m deployments.worker [--queue NAME] [--limit N]
"""

import abc
import argparse
import asyncio
import os
import signal
import sys
from contextlib import nullcontext
from typing import Any

import anyio.abc
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import PrefectException
from prefect.states import Scheduled
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from deployments.environment import WORK_POOL
from deployments.own_starter import OwnStarter
from sais.settings import Settings

# Of the time to stop: for the runs, 0.4 of it for their images in hand and the rest for saving and telling Prefect.
RUNS_SHARE = 0.7


class _Watched:
    """Tells the process id of a run to `pids`, on its way to Prefect."""

    def __init__(self, status: anyio.abc.TaskStatus[int], pids: set[int]) -> None:
        self._status, self._pids = status, pids
        self.pid = 0

    def started(self, pid: int = 0) -> None:
        self.pid = pid
        self._pids.add(pid)
        self._status.started(pid)


# With ABC among its bases Prefect does not register it over its own worker of the same type, which it warns about.
class StoppableWorker(ProcessWorker, abc.ABC):
    """Prefect's process worker kills its runs when it is stopped; this one tells them to end and waits for them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.starter: OwnStarter | None = None
        self._pids: set[int] = set()
        self._ending = False
        self._all_ended = asyncio.Event()

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        return [] if self._ending else await super().get_and_submit_flow_runs()

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        if self.starter:
            self.starter.ensure()
        watched = _Watched(task_status or anyio.TASK_STATUS_IGNORED, self._pids)
        try:
            result = await super().run(flow_run, configuration, watched)
            if self._ending and await self._puts_back(flow_run):
                # With another code Prefect would call the run crashed once more.
                return ProcessWorkerResult(status_code=0, identifier=result.identifier)
            return result
        finally:
            self._pids.discard(watched.pid)
            if not self._pids:
                self._all_ended.set()

    async def stop(self, seconds: float) -> None:
        """Takes no more runs, tells those under way to end, and waits for them so long."""
        self._ending = True
        for pid in list(self._pids):
            os.kill(pid, signal.SIGTERM)
        if self._pids:
            self._all_ended.clear()
            try:
                await asyncio.wait_for(self._all_ended.wait(), seconds)
            except TimeoutError:
                self._logger.warning("%s runs did not end in time and are killed", len(self._pids))

    async def _puts_back(self, flow_run: FlowRun) -> bool:
        """A run that was ended by us is due again at once, for the next worker; not so those of a schedule."""
        try:
            run = await self.client.read_flow_run(flow_run.id)
            if run.auto_scheduled or run.state is None or not run.state.is_crashed():
                return False
            again: State[None] = Scheduled(message="The worker was stopped; the next one goes on.")
            await self.client.set_flow_run_state(run.id, again, force=True)
        except (PrefectException, OSError):
            self._logger.exception("Run %s stays crashed", flow_run.name)
            return False
        return True


async def work(
    pool: str,
    stop_seconds: float,
    starter: OwnStarter | None = None,
    *,
    queue: str | None = None,
    limit: int | None = None,
) -> None:
    """Until SIGTERM or SIGINT. From all queues of the pool or from one, at most `limit` runs at once."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    queues = [queue] if queue else None
    worker = StoppableWorker(work_pool_name=pool, work_queues=queues, limit=limit)
    worker.starter = starter
    working = asyncio.create_task(worker.start())
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        waiting.cancel()
        return await working
    await worker.stop(RUNS_SHARE * stop_seconds)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deployments.worker")
    parser.add_argument("--queue", help="take from this queue only")
    parser.add_argument("--limit", type=int, help="most runs at once")
    told = parser.parse_args()
    pool, settings = os.environ.get("SAIS_WORK_POOL", WORK_POOL), Settings()
    with OwnStarter() if settings.warm_runs else nullcontext() as starter:
        asyncio.run(work(pool, settings.stop_seconds, starter, queue=told.queue, limit=told.limit))
    return 0


if __name__ == "__main__":
    sys.exit(main())
