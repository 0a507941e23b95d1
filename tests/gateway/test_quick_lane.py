"""Which requests go to the quick lane, and that they do not depend on it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from gateway.takeover import taking_over
from sais.catalog.batches import get_batch
from sais.catalog.bulk import table_of
from sais.catalog.quick import take_batches, waiting_batches
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import Batch, Lane
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, url_of
from tests.support.waiting import WAIT_SECONDS


@pytest.fixture
async def quick_stage(settings: Settings, prefect: PrefectStub, empty_database: Path) -> AsyncIterator[Stage]:
    """With a lane for requests of at most three images, and nobody in it."""
    shutil.copy(empty_database, settings.home)
    few = settings.model_copy(update={"quick_images": 3})
    async with opened(Configuration.from_settings(few), PrefectSettings(api_url=prefect.url)) as stage:
        yield stage


def told_of_a_run(prefect: PrefectStub) -> asyncio.Event:
    """Set when a run has been started."""
    started, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell(run: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(started.set)

    prefect.started = tell
    return started


@pytest.mark.parametrize(
    ("images", "asked", "lane"),
    [
        (1, {}, Lane.QUICK),
        (3, {}, Lane.QUICK),
        (4, {}, Lane.BULK),
        (1, {"lane": "bulk"}, Lane.BULK),
        (4, {"lane": "quick"}, Lane.BULK),
    ],
    ids=str,
)
async def test_the_lane_follows_from_the_number_of_images(
    quick_stage: Stage, prefect: PrefectStub, images: int, asked: dict[str, Any], lane: Lane
) -> None:
    key = await quick_stage.account()
    answer = await quick_stage.dispatch(key, [url_of(n) for n in range(images)], **asked)
    assert [row["marking"] for row in answer.json()] == ["new"] * images
    batch = await quick_stage.state.database.read(get_batch, int(answer.headers["X-Sais-Batch"]))
    assert batch.lane == lane
    assert len(prefect.runs) == (lane == Lane.BULK), "the quick lane takes its requests itself"


async def test_what_no_quick_runner_takes_goes_to_a_worker(quick_stage: Stage, prefect: PrefectStub) -> None:
    key = await quick_stage.account()
    answer = await quick_stage.dispatch(key, [url_of(1)])
    batch = int(answer.headers["X-Sais-Batch"])
    started = told_of_a_run(prefect)
    async with taking_over(quick_stage.state, overdue=0.0):
        await asyncio.wait_for(started.wait(), WAIT_SECONDS)
    [run] = prefect.runs.values()
    assert run["parameters"] == {"account": "museum", "batch": batch}
    assert {"account:museum", "lane:quick"} <= set(run["tags"])


async def test_what_a_quick_runner_has_taken_is_nobody_elses(quick_stage: Stage) -> None:
    key = await quick_stage.account()
    batches = [int((await quick_stage.dispatch(key, [url_of(n)])).headers["X-Sais-Batch"]) for n in (1, 2)]
    database = quick_stage.state.database
    assert [batch.id for batch in await database.read(waiting_batches)] == batches
    assert await database.read(waiting_batches, older_than=60.0) == [], "it is not overdue yet"
    assert await database.write(take_batches, batches[:1], "quick-1") == batches[:1]
    assert await database.write(take_batches, batches, "quick-2") == batches[1:]
    assert await database.read(waiting_batches) == []


async def test_prefect_being_away_leaves_the_request_waiting(quick_stage: Stage, prefect: PrefectStub) -> None:
    """The start fails, the request is given back, and is taken over when Prefect answers again."""
    key = await quick_stage.account()
    await quick_stage.dispatch(key, [url_of(1)])
    started = told_of_a_run(prefect)
    prefect.faults = [409]
    async with taking_over(quick_stage.state, overdue=0.0):
        await asyncio.wait_for(started.wait(), WAIT_SECONDS)
    assert prefect.faults == []
    assert len(prefect.runs) == 1


async def test_what_is_settled_waits_for_nobody(quick_stage: Stage) -> None:
    key = await quick_stage.account()
    await quick_stage.dispatch(key, [url_of(1)])
    await quick_stage.state.database.write(
        lambda connection: connection.execute(update(table_of(Batch)).values(marking="settled"))
    )
    assert await quick_stage.state.database.read(waiting_batches) == []
