"""Fetching what origins send when they mean well."""

from pathlib import Path

import aiohttp
import httpx
import pytest
import xxhash

from sais.errors import BadUrl, RefusedByOrigin, RefusedHost, StorageError
from sais.fetching import Fetcher
from sais.fetching.redirects import redirect_target
from tests.support.origin import Origin
from tests.support.replies import Content, Drip, Status, redirect

BODY = bytes(range(256)) * 800


def listed(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_file_appears_whole_with_all_that_is_known_of_it(
    origin: Origin, fetcher: Fetcher, tmp_path: Path
) -> None:
    modified = "Wed, 01 Jul 2026 10:00:00 GMT"
    content = Content(BODY, "Image/JPEG; q=1", etag='"v1"', last_modified=modified)
    url = origin.serve("/a.jpg", content)
    destination = tmp_path / "test" / "55" / "a.jpg"
    fetched = await fetcher.fetch(url, destination)
    assert destination.read_bytes() == BODY
    assert listed(destination.parent) == ["a.jpg"]
    assert fetched.checksum == xxhash.xxh3_128_hexdigest(BODY)
    assert (fetched.status_code, fetched.size, fetched.declared_type) == (200, len(BODY), "image/jpeg")
    assert (fetched.etag, fetched.last_modified, fetched.final_url) == ('"v1"', modified, url)
    assert fetched.head == BODY[:512]
    assert 0 < fetched.seconds < 60


async def test_an_unchanged_original_gives_304_and_no_file(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    url = origin.serve("/a.jpg", Content(BODY, etag='"v1"', last_modified="Wed, 01 Jul 2026 10:00:00 GMT"))
    destination = tmp_path / "a"
    for etag, modified in (('"v1"', None), (None, "Wed, 01 Jul 2026 10:00:00 GMT")):
        fetched = await fetcher.fetch(url, destination, etag=etag, last_modified=modified)
        assert (fetched.status_code, fetched.size, fetched.checksum) == (304, 0, "")
        assert not destination.exists()
    assert (await fetcher.fetch(url, destination, etag='"v0"')).status_code == 200


async def test_a_304_that_nobody_asked_for_is_a_failure(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(RefusedByOrigin, match="http_304"):
        await fetcher.fetch(origin.serve("/a.jpg", Status(304)), tmp_path / "a")


async def test_what_we_say_of_ourselves(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    origin.serve("/a.jpg", Content(BODY, headers={"Set-Cookie": "session=1"}))
    for _ in range(2):
        await fetcher.fetch(origin.url("/a.jpg"), tmp_path / "a")
    headers = origin.requests[1].headers
    assert headers["user-agent"].startswith("SAIS/")
    assert "image/*" in headers["accept"]
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers


async def test_the_proxy_of_the_environment_is_not_used(
    origin: Origin, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert (await fetcher.fetch(origin.serve("/a.jpg", Content(BODY)), tmp_path / "a")).size == len(BODY)


@pytest.mark.parametrize("target", ["/a%2Cb%7E.jpg?sig=%2F%3D+%20&x=a,b", "/%zz?q=%E9", "/a;b=1//c.jpg"])
async def test_signed_urls_are_asked_byte_for_byte(
    target: str, origin: Origin, fetcher: Fetcher, tmp_path: Path
) -> None:
    origin.serve(target.partition("?")[0], Content(BODY))
    await fetcher.fetch(origin.url(target + "#fragment"), tmp_path / "a")
    assert origin.requests[0].path == target


async def test_userinfo_becomes_a_header_for_its_own_host_only(
    origin: Origin, fetcher: Fetcher, tmp_path: Path
) -> None:
    origin.serve("/a.jpg", redirect(origin.serve("/b.jpg", Content(BODY))))
    url = origin.url("/a.jpg").replace("//", "//user:p%40ss@")
    fetched = await fetcher.fetch(url, tmp_path / "a")
    first, second = origin.requests
    assert first.headers["authorization"] == "Basic dXNlcjpwQHNz"
    assert "authorization" not in second.headers
    assert "p%40ss" not in fetched.final_url


async def test_gzip_is_decoded(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    fetched = await fetcher.fetch(origin.serve("/a.jpg", Content(BODY, gzipped=True)), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    assert fetched.size == len(BODY)


async def test_a_slow_body_arrives(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    fetched = await fetcher.fetch(origin.serve("/a.jpg", Drip(BODY[:1000], 100, 0.001)), tmp_path / "a")
    assert fetched.size == 1000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(status: int, origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    origin.serve("/a.jpg", redirect("b.jpg?v=2", status))
    final = origin.serve("/b.jpg", Content(BODY))
    fetched = await fetcher.fetch(origin.url("/a.jpg"), tmp_path / "a")
    assert fetched.final_url == f"{final}?v=2"


async def test_only_so_many_redirects(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    url = origin.serve("/loop", redirect("/loop?secret=1"))
    with pytest.raises(RefusedByOrigin) as caught:
        await fetcher.fetch(url, tmp_path / "a")
    assert caught.value.reason == "too_many_redirects"
    assert origin.hits["/loop"] == 6
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "place"),
    [("https:///b.jpg", "/b.jpg"), ("http:///b.jpg", "/b.jpg"), ("b%2Fc.jpg?d=%2C", "/b%2Fc.jpg?d=%2C")],
)
async def test_odd_locations_lead_where_browsers_go(location: str, place: str, origin: Origin, tmp_path: Path) -> None:
    """Compared without a connection: the test origin speaks no TLS."""
    asked = httpx.URL(origin.url("/a.jpg"))
    async with aiohttp.ClientSession() as session:
        address = origin.serve("/a.jpg", redirect(location))
        async with session.get(address, allow_redirects=False) as answer:
            target = redirect_target(answer, asked)
    assert target is not None
    assert (target.host, target.raw_path.decode()) == (asked.host, place)


async def test_a_location_in_latin_1_is_read(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    origin.serve("/%C3%A9.jpg", Content(b"there"))
    fetched = await fetcher.fetch(origin.serve("/a.jpg", redirect("/\xe9.jpg")), tmp_path / "a")
    assert fetched.final_url == origin.url("/%C3%A9.jpg")


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest/meta-data/", "http://[::1]:80/", "//10.0.0.1/", "http://0x7f.2/"],
)
async def test_a_redirect_to_a_private_address_is_refused(
    location: str, origin: Origin, fetcher: Fetcher, tmp_path: Path
) -> None:
    with pytest.raises(RefusedHost):
        await fetcher.fetch(origin.serve("/a.jpg", redirect(location)), tmp_path / "a")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "bad_scheme"),
        ("ftp://a.example/", "bad_scheme"),
        ("data:image/png;base64,AA", "bad_redirect"),
        ("mailto:a@b.example", "bad_redirect"),
        ("http://[::1", "bad_redirect"),
        ("http://a.example:99999/", "bad_url"),
        ("http://a.example/" + "x" * 5000, "url_too_long"),
    ],
)
async def test_a_redirect_to_nonsense_is_final(
    location: str, reason: str, origin: Origin, fetcher: Fetcher, tmp_path: Path
) -> None:
    with pytest.raises((BadUrl, RefusedByOrigin)) as caught:
        await fetcher.fetch(origin.serve("/a.jpg", redirect(location)), tmp_path / "a")
    assert caught.value.reason == reason


async def test_big_response_headers_are_no_obstacle(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    content = Content(BODY, headers={"Content-Security-Policy": "x" * 30_000})
    assert (await fetcher.fetch(origin.serve("/a.jpg", content), tmp_path / "a")).size == len(BODY)


async def test_a_disk_that_fails_is_not_the_images_fault(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError):
        await fetcher.fetch(origin.serve("/a.jpg", Content(BODY)), tmp_path / "file" / "a.jpg")
