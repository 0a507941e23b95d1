import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from gateway.events import HEARTBEAT, RECONNECT, watch
from sais.settings import Settings
from sais_models.wire import BatchStatus
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.served import served
from tests.gateway.stage import Stage, bearer, url_of


async def read_events(answer: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def test_sums_are_told_at_once_and_when_they_change_until_the_batch_has_settled(
    settings: Settings, prefect: PrefectStub, empty_database: Path
) -> None:
    shutil.copy(empty_database, settings.home)
    async with served(settings, prefect) as stage:
        key = await stage.account()
        await stage.dispatch(key, [url_of(1), url_of(2), "nonsense"], filters=["small"])
        async with stage.client.stream("GET", "/ui/batches/1/events") as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert answer.headers["Cache-Control"] == "no-store"
            events = read_events(answer)
            first = await anext(events)
            await stage.finish(url_of(1))
            second = await anext(events)
            await stage.fail(url_of(2), "http_404")
            [last] = [event async for event in events]
        sums = (await stage.client.get("/batches/1", headers=bearer(key))).json()
    assert [name for name, _ in (first, second, last)] == ["sums", "sums", "settled"]
    assert [(told["done"], told["pending"], told["failed"]) for _, told in (first, second, last)] == [
        (0, 2, 0),
        (1, 1, 0),
        (1, 0, 1),
    ]
    assert last[1] == sums | {"flowRunUrl": None}
    assert last[1]["reasons"] == {"bad_url": 1, "http_404": 1}


async def test_a_settled_batch_has_one_event(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, ["nonsense"])
    answer = await stage.client.get("/ui/batches/1/events")
    assert [name async for name, _ in read_events(answer)] == ["settled"]


@pytest.mark.parametrize(("batch", "status"), [("99", 404), ("0", 422), (str(2**63), 422), ("x", 422)])
async def test_events_of_nothing(stage: Stage, batch: str, status: int) -> None:
    assert (await stage.client.get(f"/ui/batches/{batch}/events")).status_code == status


def sums(done: int, *, settled: bool = False) -> BatchStatus:
    return BatchStatus(
        id=1,
        root="museum",
        submitted=3,
        accepted=3,
        rejected=0,
        pending=3 - done,
        done=done,
        failed=0,
        cancelled=0,
        reasons={},
        marking="settled" if settled else "open",
        settled=settled,
        flow_run_url=None,
    )


async def watched(*answers: BatchStatus | Exception, **options: float) -> list[str]:
    """The events while the batch is as `answers` say, one question after the other."""
    left = iter(answers)

    async def ask() -> BatchStatus:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return [event.partition("\n")[0] async for event in watch(ask, pause=0, **options)]


async def test_what_does_not_change_is_told_once() -> None:
    told = await watched(sums(0), sums(0), sums(1), sums(1), sums(3, settled=True))
    assert told == [RECONNECT.strip(), "event: sums", "event: sums", "event: settled"]


async def test_silence_is_broken_by_heartbeats() -> None:
    told = await watched(sums(0), sums(0), sums(0), sums(3, settled=True), heartbeat=0)
    assert told[1:] == ["event: sums", HEARTBEAT.strip(), HEARTBEAT.strip(), "event: settled"]


async def test_the_stream_ends_by_itself() -> None:
    assert await watched(longest=0) == [RECONNECT.strip()]


async def test_a_database_that_is_away_ends_the_stream() -> None:
    told = await watched(sums(0), OperationalError("select", None, Exception("away")))
    assert told[1:] == ["event: sums"]
