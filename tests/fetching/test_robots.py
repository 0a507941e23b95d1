"""robots.txt and X-Robots-Tag, as real sites answer; off unless the settings say otherwise."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sais.errors import RefusedByOrigin, TransientMediaError
from sais.fetching import Fetcher
from sais.fetching.robots import FRESH_SECONDS, MOST_BYTES, check_tags, product_of
from sais.settings import Settings
from tests.fetching.test_concurrency import everywhere
from tests.support.clock import JumpingClock
from tests.support.origin import Origin
from tests.support.replies import Content, Status, redirect

PICTURE = Content(b"pixels")


def robots_txt(text: str) -> Content:
    return Content(text.encode(), "text/plain")


@pytest.fixture
def time() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def fetcher(settings: Settings, time: JumpingClock) -> AsyncIterator[Fetcher]:
    respectful = settings.model_copy(update={"robots": "respect", "x_robots": "respect", "host_rate": 0})
    async with Fetcher(respectful, resolve=everywhere, clock=time.clock) as fetcher:
        yield fetcher


async def may_fetch(fetcher: Fetcher, url: str, folder: Path) -> bool:
    try:
        await fetcher.fetch(url, folder / "a")
    except RefusedByOrigin as error:
        assert (error.reason, error.retryable) == ("robots_disallowed", False)
        assert "secret" not in str(error)
        return False
    return True


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /private/", "/private/a.jpg?token=secret", False),
        ("User-agent: *\nDisallow: /private/", "/public/a.jpg", True),
        ("User-agent: *\nDisallow: /\nAllow: /thumbs/", "/thumbs/a.jpg", True),
        ("User-agent: *\nDisallow: /*.png$", "/a.png", False),
        ("User-agent: *\nDisallow: /*.png$", "/a.png.jpg", True),
        ("User-agent: sais\nDisallow: /\n\nUser-agent: *\nAllow: /", "/a.jpg", False),
        ("User-agent: otherbot\nDisallow: /", "/a.jpg", True),
        ("", "/a.jpg", True),
        ("<html>not found, but with status 200</html>", "/a.jpg", True),
    ],
)
async def test_rules(rules: str, path: str, allowed: bool, fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    origin.serve("/robots.txt", robots_txt(rules))
    url = origin.serve(path.partition("?")[0], PICTURE)
    assert await may_fetch(fetcher, url.partition("?")[0] + path.removeprefix(path.partition("?")[0]), tmp_path) is (
        allowed
    )
    assert origin.hits[path.partition("?")[0]] == allowed


async def test_off_unless_asked_for(settings: Settings, origin: Origin, tmp_path: Path) -> None:
    origin.serve("/robots.txt", robots_txt("User-agent: *\nDisallow: /"))
    tagged = Content(b"pixels", headers={"X-Robots-Tag": "noai"})
    async with Fetcher(settings) as fetcher:
        await fetcher.fetch(origin.serve("/a", tagged), tmp_path / "a")
    assert not origin.hits["/robots.txt"]


async def test_many_images_of_a_site_ask_once_a_day(
    fetcher: Fetcher, origin: Origin, time: JumpingClock, tmp_path: Path
) -> None:
    origin.serve("/robots.txt", robots_txt("User-agent: *\nDisallow: /private/"))
    url = origin.serve("/a", PICTURE)
    await asyncio.gather(*(fetcher.fetch(url, tmp_path / str(n)) for n in range(20)))
    assert origin.hits["/robots.txt"] == 1
    time.pass_time(FRESH_SECONDS + 1)
    await fetcher.fetch(url, tmp_path / "later")
    assert origin.hits["/robots.txt"] == 2


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_site_without_rules_allows_all(status: int, fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    origin.serve("/robots.txt", Status(status))
    assert await may_fetch(fetcher, origin.serve("/a", PICTURE), tmp_path)


async def test_a_site_that_cannot_tell_allows_nothing_until_it_can(
    fetcher: Fetcher, origin: Origin, tmp_path: Path
) -> None:
    origin.serve("/robots.txt", Status(503), robots_txt(""))
    url = origin.serve("/a", PICTURE)
    with pytest.raises(TransientMediaError) as caught:
        await fetcher.fetch(url, tmp_path / "a")
    assert caught.value.reason == "http_503"
    assert not origin.hits["/a"]
    assert await may_fetch(fetcher, url, tmp_path)


async def test_rules_are_followed_where_they_have_moved_to(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    origin.serve("/robots.txt", redirect("/rules.txt"))
    origin.serve("/rules.txt", robots_txt("User-agent: *\nDisallow: /"))
    assert not await may_fetch(fetcher, origin.serve("/a", PICTURE), tmp_path)


async def test_rules_in_a_circle_are_none(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    origin.serve("/robots.txt", redirect("/robots.txt"))
    assert await may_fetch(fetcher, origin.serve("/a", PICTURE), tmp_path)
    assert origin.hits["/robots.txt"] == 6


async def test_the_rules_of_where_a_redirect_leads_count(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    origin.serve("/robots.txt", Status(404), robots_txt("User-agent: *\nDisallow: /cdn"))
    origin.serve("/cdn", PICTURE)
    assert not await may_fetch(fetcher, origin.serve("/a", redirect(origin.url("/cdn", "cdn.example"))), tmp_path)
    assert (origin.hits["/a"], origin.hits["/cdn"]) == (1, 0)


async def test_of_endless_rules_the_first_part_counts(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    text = "User-agent: *\nDisallow: /first\n" + "# more\n" * (MOST_BYTES // 7) + "Disallow: /last\n"
    origin.serve("/robots.txt", robots_txt(text))
    assert not await may_fetch(fetcher, origin.serve("/first", PICTURE), tmp_path)
    assert await may_fetch(fetcher, origin.serve("/last", PICTURE), tmp_path)


async def test_what_a_tag_forbids_leaves_nothing(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> None:
    tagged = Content(b"pixels", headers={"X-Robots-Tag": "noarchive, NoAI"})
    with pytest.raises(RefusedByOrigin) as caught:
        await fetcher.fetch(origin.serve("/a", tagged), tmp_path / "a")
    assert caught.value.reason == "x_robots_noai"
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        (["noindex"], False),
        (["noimageai"], False),
        (["none"], False),
        (["sais: noai"], False),
        (["SAIS : nofollow, noindex"], False),
        (["nofollow", "noai"], False),
        (["unavailable_after: 25 Jun 2030 15:00:00 GMT, noindex"], False),
        (["otherbot: noindex"], True),
        (["nofollow, noarchive"], True),
        (["unavailable_after: 25 Jun 2030 15:00:00 GMT"], True),
        (["max-image-preview: none"], True),
        ([""], True),
        ([], True),
    ],
)
def test_tags(values: list[str], allowed: bool) -> None:
    try:
        check_tags(values, "SAIS")
    except RefusedByOrigin:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize("agent", ["SAIS/0.1 (+https://a.example)", "SAIS", "SAIS (a)"])
def test_the_name_that_rules_call_us_by(agent: str) -> None:
    assert product_of(agent) == "SAIS"
