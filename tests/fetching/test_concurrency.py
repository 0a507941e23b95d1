"""How many at once: counted where it matters, at the origin."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from sais.errors import TransientMediaError
from sais.fetching import Fetcher
from sais.fetching.resolver import AddressInfo
from sais.fetching.slots import HostSlots
from sais.settings import Settings
from tests.support.origin import Origin
from tests.support.replies import Content, Hang, redirect


async def everywhere(host: str, port: int, family: int) -> Sequence[AddressInfo]:
    """Every name lives on this machine."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def limits(total: int, per_host: int) -> Settings:
    return Settings(allow_hosts=("127.0.0.1",), fetch_seconds=5, fetch_concurrency=total, host_concurrency=per_host)


async def fetch_elsewhere(folder: Path) -> None:
    """A whole fetch through a fetcher of its own: time enough for one too many to get in, if it could."""
    with Origin() as other:
        async with Fetcher(limits(total=1, per_host=1)) as fetcher:
            await fetcher.fetch(other.serve("/a", Content(b"pixels")), folder / "elsewhere")


async def test_no_host_is_asked_more_than_its_limit_at_once(origin: Origin, tmp_path: Path) -> None:
    origin.serve("/a", Content(b"pixels"))
    origin.hold()
    async with Fetcher(limits(total=8, per_host=3)) as fetcher:
        fetches = [asyncio.create_task(fetcher.fetch(origin.url("/a"), tmp_path / str(n))) for n in range(12)]
        await asyncio.to_thread(origin.wait_inside, 3)
        await fetch_elsewhere(tmp_path)
        origin.release()
        await asyncio.gather(*fetches)
    assert origin.hits["/a"] == 12
    assert origin.most_inside == 3


async def test_the_others_go_on_while_one_host_is_slow(origin: Origin, tmp_path: Path) -> None:
    """20 wait for a host that hangs, with 4 slots in all and 3 of them its own: the fourth serves everybody else."""
    origin.serve("/slow", Hang())
    origin.serve("/a", Content(b"pixels"))
    async with Fetcher(limits(total=4, per_host=3), resolve=everywhere) as fetcher:
        slow = [
            asyncio.create_task(fetcher.fetch(origin.url("/slow", "slow.example"), tmp_path / f"s{n}"))
            for n in range(20)
        ]
        await asyncio.to_thread(origin.wait_inside, 3)
        quick = [fetcher.fetch(origin.url("/a", f"h{n}.example"), tmp_path / str(n)) for n in range(10)]
        assert {fetched.size for fetched in await asyncio.gather(*quick)} == {6}
        assert origin.hits["/slow"] == 3
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_the_limit_in_all(origin: Origin, tmp_path: Path) -> None:
    origin.serve("/a", Content(b"pixels"))
    origin.hold()
    async with Fetcher(limits(total=5, per_host=2), resolve=everywhere) as fetcher:
        urls = [origin.url("/a", f"h{n % 10}.example") for n in range(40)]
        tasks = [asyncio.create_task(fetcher.fetch(url, tmp_path / str(n))) for n, url in enumerate(urls)]
        await asyncio.to_thread(origin.wait_inside, 5)
        await fetch_elsewhere(tmp_path)
        origin.release()
        await asyncio.gather(*tasks)
    assert origin.most_inside == 5
    assert max(origin.most_at_once.values()) <= 2


async def test_a_redirect_counts_at_the_host_it_leads_to(origin: Origin, tmp_path: Path) -> None:
    origin.serve("/a", redirect(origin.url("/cdn", "cdn.example")))
    origin.serve("/cdn", Content(b"pixels"))
    async with Fetcher(limits(total=30, per_host=2), resolve=everywhere) as fetcher:
        urls = [origin.url("/a", f"h{n}.example") for n in range(30)]
        await asyncio.gather(*(fetcher.fetch(url, tmp_path / str(n)) for n, url in enumerate(urls)))
    assert origin.most_at_once[f"cdn.example:{origin.port}"] <= 2


async def test_waiting_for_a_slot_does_not_count(origin: Origin, tmp_path: Path) -> None:
    """One slot, and two who hang in it until their 0.3 s are over: the third has waited longer than its own 0.3 s."""
    settings = limits(total=1, per_host=1).model_copy(update={"fetch_seconds": 0.3})
    origin.serve("/hang", Hang())
    origin.serve("/a", Content(b"pixels"))
    async with Fetcher(settings) as fetcher:
        stuck = [asyncio.create_task(fetcher.fetch(origin.url("/hang"), tmp_path / f"s{n}")) for n in range(2)]
        await asyncio.to_thread(origin.wait_inside, 1)
        fetched = await fetcher.fetch(origin.url("/a"), tmp_path / "a")
        errors = await asyncio.gather(*stuck, return_exceptions=True)
    assert [type(error) for error in errors] == [TransientMediaError] * 2
    assert fetched.size == 6


async def test_connections_are_shared_by_those_who_come_together(origin: Origin, tmp_path: Path) -> None:
    origin.serve("/a", Content(b"pixels"))
    async with Fetcher(limits(total=8, per_host=4)) as fetcher:
        await asyncio.gather(*(fetcher.fetch(origin.url("/a"), tmp_path / str(n)) for n in range(100)))
    assert origin.hits["/a"] == 100
    # The first does not know of the others yet, the last has none left: these two close theirs.
    assert origin.connections <= 4 + 2


async def test_many_hosts_leave_nothing_behind(origin: Origin, tmp_path: Path) -> None:
    """One image from each of 500 hosts: no idle connections pile up (they would run out of file descriptors)."""
    origin.serve("/a", Content(b"pixels"))
    async with Fetcher(limits(total=32, per_host=8), resolve=everywhere) as fetcher:
        urls = [origin.url("/a", f"h{n}.example") for n in range(500)]
        await asyncio.gather(*(fetcher.fetch(url, tmp_path / str(n)) for n, url in enumerate(urls)))
    assert origin.connections == 500
    assert origin.most_open < 100


async def test_ten_thousand_hosts_are_forgotten() -> None:
    slots = HostSlots(total=32, per_host=8)

    async def visit(host: str) -> None:
        async with slots.hold(host):
            await asyncio.sleep(0)

    await asyncio.gather(*(visit(f"h{n}.example") for n in range(10_000)))
    assert not len(slots)


async def test_a_holder_who_fails_or_is_cancelled_gives_the_slot_back() -> None:
    slots = HostSlots(total=1, per_host=1)
    with pytest.raises(ValueError, match="inside"):
        async with slots.hold("a"):
            raise ValueError("inside")
    async with slots.hold("a"):
        waiting = asyncio.create_task(slots.hold("a").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert not len(slots)
    async with slots.hold("a") as shared:
        assert not shared
