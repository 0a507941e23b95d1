"""Prefect's server looks into its queue every two seconds, without a thread, and hears what comes meanwhile."""

import asyncio
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from burner_redis import BurnerRedis, PubSub  # type: ignore[import-untyped]

from deployments.environment import PROJECT
from deployments.patient_queue import without_thread

WORKER = """
from deployments.patient_queue import PATIENCE, ask_less_often
ask_less_often()

from docket import Docket
from prefect.server.api import background_workers
worker = background_workers.Worker(Docket(name="queue", url="memory://"))
print(worker.minimum_check_interval == worker.scheduling_resolution == PATIENCE)
"""


class CountingExecutor(ThreadPoolExecutor):
    """What the event loop's own threads are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        self.asked += 1
        return super().submit(*args, **kwargs)


@pytest.fixture
async def queue() -> BurnerRedis:
    return BurnerRedis()


async def _subscribed(queue: BurnerRedis) -> PubSub:
    listener = queue.pubsub()
    await listener.psubscribe("cancel:*")
    assert (await listener.get_message(timeout=0.0))["type"] == "psubscribe"
    return listener


async def test_what_is_published_while_it_waits_is_heard(queue: BurnerRedis) -> None:
    listener = await _subscribed(queue)
    get_message = without_thread(PubSub.get_message)

    waiting = asyncio.create_task(get_message(listener, timeout=0.1))
    await asyncio.sleep(0)
    await queue.publish("cancel:late-runs", "now")
    heard = await waiting or await get_message(listener, timeout=0.1)

    assert heard is not None
    assert (heard["channel"], heard["data"]) == (b"cancel:late-runs", b"now")


async def test_it_waits_without_a_thread(queue: BurnerRedis) -> None:
    listener = await _subscribed(queue)
    executor = CountingExecutor()
    asyncio.get_running_loop().set_default_executor(executor)

    assert await without_thread(PubSub.get_message)(listener, timeout=0.1) is None
    assert executor.asked == 0

    assert await listener.get_message(timeout=0.1) is None
    assert executor.asked, "the queue waits without a thread by itself: this is no longer needed"


def test_the_server_of_this_process_is_patient() -> None:
    done = subprocess.run([sys.executable, "-c", WORKER], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True"]
