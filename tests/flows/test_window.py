"""Chunks pass through their steps independently of one another, a few at a time."""

import asyncio
import threading

import pytest

from flows.ingest import ingest
from flows.window import in_window
from sais.finishing import to_its_end
from sais.settings import Settings
from sais_models.wire import BatchStatus
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Request

JPEG = encoded(quarters(), "JPEG")


class AfterOpening:
    """A picture that the origin keeps back until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    async def send(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        await asyncio.to_thread(self.opened.wait, 30)
        return await Content(JPEG).send(request, writer)


@pytest.mark.engine
@pytest.mark.usefixtures("prefect_server")
async def test_one_chunk_is_done_while_another_still_downloads(
    settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("SAIS_CHUNK_IMAGES", "1")
    museum = Museum(settings)
    museum.callback = origin.url("/hook")
    async with museum.run():
        slow = AfterOpening()
        urls = [origin.serve("/slow.jpg", slow), origin.serve("/quick.jpg", Content(JPEG))]
        running = asyncio.create_task(ingest("museum", urls=urls))
        (post,) = await asyncio.to_thread(origin.wait_for_posts, 1)
        assert b"quick.jpg" in post.body
        slow.opened.set()
        status: BatchStatus = await running
    assert (status.done, status.settled) == (2, True)


async def test_no_more_than_the_window_is_under_way_and_in_order() -> None:
    inside, most, begun = 0, 0, list[int]()

    async def work(number: int) -> None:
        nonlocal inside, most
        begun.append(number)
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    assert await in_window(work, range(20), size=3) == []
    assert (most, begun) == (3, list(range(20)))


async def test_one_that_fails_stops_no_other() -> None:
    done = []

    async def work(number: int) -> None:
        if number == 1:
            raise ValueError("one")
        done.append(number)

    troubles = await in_window(work, range(5), size=2)
    assert [str(trouble) for trouble in troubles] == ["one"]
    assert done == [0, 2, 3, 4]


async def test_who_is_cancelled_waits_for_what_is_being_saved() -> None:
    """A run that left would give its leases back, and what the other chunk saves would be lost."""
    begun, may_save, saved = asyncio.Event(), asyncio.Event(), []

    async def save() -> None:
        await may_save.wait()
        saved.append("the other")

    async def work(name: str) -> None:
        if name == "one":
            await asyncio.Event().wait()
        begun.set()
        await to_its_end(save())

    running = asyncio.create_task(in_window(work, ["one", "other"], size=2))
    await begun.wait()
    running.cancel()
    for _ in range(10):  # the first has ended long ago
        await asyncio.sleep(0)
    assert not running.done()
    may_save.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert saved == ["the other"]
