"""Hosts are paced, paused when they fail or ask for it, probed, and taken up again; counted at a real origin."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sais.errors import MediaError, RefusedByOrigin, StorageError, TransientMediaError
from sais.fetching import Fetcher
from sais.fetching.breaker import FIRST_PAUSE_SECONDS, Breaker
from sais.fetching.pace import Pace
from sais.fetching.politeness import REMEMBERED, Politeness
from sais.settings import Settings
from tests.fetching.test_concurrency import everywhere
from tests.support.clock import JumpingClock
from tests.support.origin import Origin
from tests.support.replies import Content, Hang, Reset, Status, busy

PICTURE = Content(b"pixels")


@pytest.fixture
def time() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {"host_failures": 3, "host_pause_seconds": 60, "host_rate": 0, "connect_seconds": 5, "read_seconds": 5}
    return settings.model_copy(update=changes)


@pytest.fixture
async def fetcher(settings: Settings, time: JumpingClock) -> AsyncIterator[Fetcher]:
    async with Fetcher(settings, resolve=everywhere, clock=time.clock) as fetcher:
        yield fetcher


async def reason_of(fetcher: Fetcher, url: str, folder: Path) -> str:
    try:
        await fetcher.fetch(url, folder / "a")
    except MediaError as error:
        return error.reason
    return "fetched"


async def reasons_of(fetcher: Fetcher, url: str, folder: Path, times: int) -> list[str]:
    return [await reason_of(fetcher, url, folder) for _ in range(times)]


async def test_a_host_that_fails_in_a_row_is_left_alone_without_a_request(
    fetcher: Fetcher, origin: Origin, time: JumpingClock, tmp_path: Path
) -> None:
    url = origin.serve("/a", *[Status(500)] * 5, PICTURE)
    assert await reasons_of(fetcher, url, tmp_path, 3) == ["http_500"] * 3
    # 5 s are waited for, the probe fails, and the next pause of 10 s too; then 20 s are too long to wait.
    assert await reasons_of(fetcher, url, tmp_path, 2) == ["http_500"] * 2
    assert time.slept == [5, 10]
    assert await reasons_of(fetcher, url, tmp_path, 4) == ["host_paused"] * 4
    assert origin.hits["/a"] == 5
    time.pass_time(20)
    assert await reasons_of(fetcher, url, tmp_path, 4) == ["fetched"] * 4


async def test_lost_connections_count_and_other_hosts_do_not_suffer(
    fetcher: Fetcher, origin: Origin, tmp_path: Path
) -> None:
    origin.serve("/a", Reset())
    origin.serve("/b", PICTURE)
    down = origin.url("/a", "down.example")
    assert "host_paused" in await reasons_of(fetcher, down, tmp_path, 8)
    assert await reason_of(fetcher, origin.url("/b", "up.example"), tmp_path) == "fetched"
    pauses = fetcher.politeness.pauses()
    assert [(pause.host, pause.reason) for pause in pauses] == [("down.example", "read")]
    assert pauses[0].turned_away
    assert pauses[0].seconds_left > 0


@pytest.mark.parametrize("status", [404, 403, 410])
async def test_an_answer_that_is_no_is_an_answer(
    status: int, fetcher: Fetcher, origin: Origin, time: JumpingClock, tmp_path: Path
) -> None:
    url = origin.serve("/a", Status(500), Status(500), Status(status), Status(500), Status(500), PICTURE)
    assert await reasons_of(fetcher, url, tmp_path, 6) == [
        *["http_500"] * 2,
        f"http_{status}",
        *["http_500"] * 2,
        "fetched",
    ]
    assert time.slept == []


@pytest.mark.parametrize("status", [429, 503])
async def test_what_a_host_asks_for_holds_for_all_of_its_images(
    status: int, fetcher: Fetcher, origin: Origin, time: JumpingClock, tmp_path: Path
) -> None:
    origin.serve("/b", PICTURE)
    assert await reason_of(fetcher, origin.serve("/a", busy("30", status)), tmp_path) == f"http_{status}"
    with pytest.raises(TransientMediaError) as caught:
        await fetcher.fetch(origin.url("/b"), tmp_path / "b")
    assert (caught.value.reason, caught.value.retry_after, caught.value.retryable) == ("host_paused", 30, True)
    assert not origin.hits["/b"]
    time.pass_time(30)
    assert await reason_of(fetcher, origin.url("/b"), tmp_path) == "fetched"


async def test_a_short_pause_is_waited_for(
    fetcher: Fetcher, origin: Origin, time: JumpingClock, tmp_path: Path
) -> None:
    url = origin.serve("/a", busy("2", 429), PICTURE)
    assert await reasons_of(fetcher, url, tmp_path, 2) == ["http_429", "fetched"]
    assert time.slept == [2]


async def test_no_host_may_ask_for_more_than_the_setting(
    fetcher: Fetcher, origin: Origin, time: JumpingClock, tmp_path: Path
) -> None:
    url = origin.serve("/a", busy("3600"), PICTURE)
    assert await reason_of(fetcher, url, tmp_path) == "http_503"
    time.pass_time(60)
    assert await reason_of(fetcher, url, tmp_path) == "fetched"


async def test_other_statuses_do_not_speak_for_the_host(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    url = origin.serve("/a", busy("30", 500), PICTURE)
    assert await reasons_of(fetcher, url, tmp_path, 2) == ["http_500", "fetched"]


async def test_after_a_pause_one_asks_and_the_others_wait_for_the_answer(
    fetcher: Fetcher, origin: Origin, tmp_path: Path
) -> None:
    url = origin.serve("/a", *[Status(500)] * 3, PICTURE)
    await reasons_of(fetcher, url, tmp_path, 3)
    origin.hold()
    fetches = [asyncio.create_task(fetcher.fetch(url, tmp_path / str(n))) for n in range(6)]
    await asyncio.to_thread(origin.wait_for_hits, "/a", 4)
    origin.serve("/elsewhere", PICTURE)
    elsewhere = asyncio.create_task(fetcher.fetch(origin.url("/elsewhere", "up.example"), tmp_path / "e"))
    # When this one is inside too, whoever else could have come in would have.
    await asyncio.to_thread(origin.wait_inside, 2)
    assert origin.hits["/a"] == 4
    origin.release()
    assert {fetched.size for fetched in await asyncio.gather(*fetches, elsewhere)} == {6}


async def test_a_probe_that_is_cancelled_leaves_the_way_free(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    url = origin.serve("/a", *[Status(500)] * 3, Hang(), PICTURE)
    await reasons_of(fetcher, url, tmp_path, 3)
    probe = asyncio.create_task(fetcher.fetch(url, tmp_path / "probe"))
    await asyncio.to_thread(origin.wait_for_hits, "/a", 4)
    waiting = asyncio.create_task(fetcher.fetch(url, tmp_path / "a"))
    probe.cancel()
    assert (await waiting).size == 6


async def test_our_own_trouble_says_nothing_of_the_host(
    fetcher: Fetcher, origin: Origin, time: JumpingClock, tmp_path: Path
) -> None:
    url = origin.serve("/a", PICTURE)
    (tmp_path / "file").touch()
    for _ in range(4):
        with pytest.raises(StorageError):
            await fetcher.fetch(url, tmp_path / "file" / "a")
    assert fetcher.politeness.pauses() == []
    assert time.slept == []


async def test_webhooks_are_not_paused_with_the_host(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    assert await reason_of(fetcher, origin.serve("/a", busy("30")), tmp_path) == "http_503"
    assert (await fetcher.post(origin.url("/hook"), b"{}", {})).status_code == 200


async def test_a_host_is_asked_at_the_rate_of_the_setting(
    settings: Settings, origin: Origin, time: JumpingClock, tmp_path: Path
) -> None:
    url = origin.serve("/a", PICTURE)
    async with Fetcher(settings.model_copy(update={"host_rate": 4}), clock=time.clock) as fetcher:
        for n in range(12):
            await fetcher.fetch(url, tmp_path / str(n))
    # A second's worth at once, then one each quarter of a second.
    assert time.slept == [0.25] * 8


def test_the_pace_of_a_burst() -> None:
    pace = Pace(10)
    assert [pace.take(5.0) for _ in range(12)] == pytest.approx([0.0] * 10 + [0.1, 0.2])
    assert not pace.is_full(6.1)
    assert pace.is_full(6.2)
    assert [pace.take(100.0) for _ in range(11)] == pytest.approx([0.0] * 10 + [0.1])


def test_a_slow_pace_has_no_burst() -> None:
    pace = Pace(0.5)
    assert [pace.take(5.0), pace.take(5.0), pace.take(5.0)] == [0.0, 2.0, 4.0]


def test_without_a_rate_nobody_waits() -> None:
    pace = Pace(0)
    assert {pace.take(1.0) for _ in range(10_000)} == {0.0}


def test_failures_that_were_on_their_way_do_not_make_a_pause_longer() -> None:
    breaker = Breaker(failures=2, longest=300)
    tickets = [breaker.admit() for _ in range(8)]
    for ticket in tickets:
        breaker.failed(ticket, 100.0, "timeout")
    assert (breaker.seconds_left(100.0), breaker.pauses) == (FIRST_PAUSE_SECONDS, 1)


def test_pauses_grow_to_the_longest_and_begin_anew_after_a_success() -> None:
    breaker, now, seen = Breaker(failures=2, longest=30), 0.0, []
    for _ in range(6):
        breaker.failed(breaker.admit(), now, "connect")
        seen.append(breaker.seconds_left(now))
        now += breaker.seconds_left(now)
    assert seen == [0, 5, 10, 20, 30, 30]
    breaker.succeeded(breaker.admit())
    breaker.failed(breaker.admit(), now, "connect")
    assert breaker.seconds_left(now) == 0
    breaker.failed(breaker.admit(), now, "connect")
    assert breaker.seconds_left(now) == FIRST_PAUSE_SECONDS


async def test_hosts_that_are_well_are_forgotten(settings: Settings, time: JumpingClock) -> None:
    politeness = Politeness(settings, time.clock)
    for _ in range(3):
        with pytest.raises(TransientMediaError):
            async with politeness.visit("down.example"):
                raise TransientMediaError("connect")
    for n in range(2 * REMEMBERED):
        async with politeness.visit(f"h{n}.example"):
            time.pass_time(0.1)
    assert len(politeness) <= REMEMBERED + 1
    assert [pause.host for pause in politeness.pauses()] == ["down.example"]


async def test_the_user_agent_says_where_to_complain(settings: Settings, origin: Origin, tmp_path: Path) -> None:
    changed = settings.model_copy(update={"contact": "pictures@museum.example"})
    async with Fetcher(changed) as fetcher:
        await fetcher.fetch(origin.serve("/a", PICTURE), tmp_path / "a")
    assert origin.requests[0].headers["user-agent"] == (
        "SAIS/0.1 (+https://github.com/survos-sites/sais; pictures@museum.example)"
    )


def test_a_contact_follows_whatever_the_agent_is(settings: Settings) -> None:
    told = {"contact": "https://m.example/bot"}
    assert settings.model_copy(update={"user_agent": "Museum/2", **told}).effective_user_agent == (
        "Museum/2 (https://m.example/bot)"
    )
    assert settings.effective_user_agent == settings.user_agent


@pytest.mark.parametrize("contact", ["a b@c.example", "a@b)", "a@b\r\nX: y", "ä@b.example"])
def test_a_contact_breaks_no_header(contact: str) -> None:
    with pytest.raises(ValueError, match="a mail or web address"):
        Settings(contact=contact)


async def test_a_refusal_is_no_failure_of_the_host(settings: Settings, time: JumpingClock) -> None:
    politeness = Politeness(settings, time.clock)
    for _ in range(5):
        with pytest.raises(RefusedByOrigin):
            async with politeness.visit("a.example"):
                raise RefusedByOrigin("http_404")
    assert politeness.pauses() == []
