"""Every way to fail has its reason, is permanent or transient, and leaves nothing on the disk."""

import gzip
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from sais.errors import MediaError, RefusedByOrigin, TooBig, TransientMediaError
from sais.fetching import Fetcher
from sais.fetching.failures import retry_after
from sais.settings import Settings
from tests.support.certificates import self_signed
from tests.support.origin import Origin
from tests.support.replies import Content, Endless, Hang, Late, Raw, Reply, Reset, Status, busy, head, lying, redirect

JPEG_HEAD = head(200, {"Content-Type": "image/jpeg", "Content-Length": "5000"})
CHUNKED = head(200, {"Transfer-Encoding": "chunked"})


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert not list(tmp_path.iterdir()), "a failed fetch leaves nothing"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def failure(fetcher: Fetcher, url: str, folder: Path) -> MediaError:
    with pytest.raises(MediaError) as caught:
        await fetcher.fetch(f"{url}?token=hunter2", folder / "a.jpg")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_statuses_worth_another_try(status: int, origin: Origin, fetcher: Fetcher, folder: Path) -> None:
    error = await failure(fetcher, origin.serve("/a", busy("7", status)), folder)
    assert isinstance(error, TransientMediaError)
    assert (error.reason, error.status_code, error.retry_after) == (f"http_{status}", status, 7)


@pytest.mark.parametrize("status", [206, 300, 302, 400, 401, 403, 404, 410, 418, 451, 501])
async def test_final_statuses(status: int, origin: Origin, fetcher: Fetcher, folder: Path) -> None:
    error = await failure(fetcher, origin.serve("/a", Status(status)), folder)
    assert isinstance(error, RefusedByOrigin)
    assert (error.reason, error.status_code, error.retryable) == (f"http_{status}", status, False)


@pytest.mark.parametrize("reply", [Status(204), Status(205), Content(b""), Content(b"", gzipped=True)])
async def test_nothing_in_it(reply: Reply, origin: Origin, fetcher: Fetcher, folder: Path) -> None:
    error = await failure(fetcher, origin.serve("/a", reply), folder)
    assert isinstance(error, RefusedByOrigin)
    assert error.reason == "empty"


@pytest.mark.parametrize(
    ("reply", "reasons"),
    [
        (lying(b"x" * 1000, 5000), {"incomplete"}),
        (Raw(CHUNKED + b"3e8\r\n" + b"x" * 500), {"incomplete"}),
        (Raw(CHUNKED + b"zz\r\nxx"), {"read", "incomplete"}),
        (Reset(), {"read"}),
        (Reset(JPEG_HEAD + b"x" * 100), {"read", "incomplete"}),
        (Raw(b""), {"read"}),
        (Raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), {"read"}),
        (Raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), {"read"}),
        (Content(b"not gzip", headers={"Content-Encoding": "gzip"}), {"read"}),
    ],
    ids=["short", "short chunk", "bad chunk", "reset", "reset within", "closed", "not http", "bad header", "not gzip"],
)
async def test_broken_transfers(
    reply: Reply, reasons: set[str], origin: Origin, fetcher: Fetcher, folder: Path
) -> None:
    error = await failure(fetcher, origin.serve("/a", reply), folder)
    assert isinstance(error, TransientMediaError)
    assert error.reason in reasons


@pytest.mark.parametrize("reply", [Hang(), Hang(JPEG_HEAD), Hang(JPEG_HEAD + b"x" * 100)])
@pytest.mark.parametrize("limit", ["read_seconds", "fetch_seconds"])
async def test_silence(reply: Reply, limit: str, origin: Origin, settings: Settings, folder: Path) -> None:
    async with Fetcher(settings.model_copy(update={limit: 0.05})) as fetcher:
        error = await failure(fetcher, origin.serve("/a", reply), folder)
    assert isinstance(error, TransientMediaError)
    assert error.reason == "timeout"


async def test_a_body_without_end(origin: Origin, settings: Settings, folder: Path) -> None:
    async with Fetcher(settings.model_copy(update={"fetch_seconds": 0.1, "max_bytes": 10**12})) as fetcher:
        assert (await failure(fetcher, origin.serve("/a", Endless(b"x")), folder)).reason == "timeout"


async def test_the_deadline_is_for_all_hops_together(origin: Origin, settings: Settings, folder: Path) -> None:
    """Four redirects of 0.15 s each: none is over the 0.4 s, all together are."""
    url = origin.serve("/a", *[Late(redirect("/a"), 0.15)] * 4, Content(b"pixels"))
    async with Fetcher(settings.model_copy(update={"fetch_seconds": 0.4})) as fetcher:
        assert (await failure(fetcher, url, folder)).reason == "timeout"


async def test_nobody_listens(fetcher: Fetcher, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = await failure(fetcher, f"http://127.0.0.1:{port}/a", folder)
    assert isinstance(error, TransientMediaError)
    assert error.reason == "connect"


async def test_nobody_accepts(settings: Settings, folder: Path) -> None:
    """A backlog that is full: the connection is never made."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    with listener, socket.create_connection(listener.getsockname()):
        async with Fetcher(settings.model_copy(update={"connect_seconds": 0.05})) as fetcher:
            error = await failure(fetcher, f"http://127.0.0.1:{listener.getsockname()[1]}/a", folder)
    assert isinstance(error, TransientMediaError)
    assert error.reason == "timeout"


async def test_a_certificate_that_nobody_vouches_for(fetcher: Fetcher, folder: Path) -> None:
    with Origin(tls=self_signed("127.0.0.1")) as origin:
        error = await failure(fetcher, origin.serve("/a", Content(b"x")), folder)
    assert isinstance(error, RefusedByOrigin)
    assert error.reason == "tls"


async def test_an_authority_of_ones_own_is_trusted_where_it_is_named(
    settings: Settings, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("tls")
    own = elsewhere / "own.pem"
    with Origin(tls=self_signed("127.0.0.1")) as origin:
        url = origin.serve("/a", Content(b"x"))
        own.write_text(ssl.get_server_certificate(("127.0.0.1", origin.port)))
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        async with Fetcher(settings) as fetcher:
            assert (await fetcher.fetch(url, elsewhere / "a")).size == 1
        monkeypatch.delenv("SSL_CERT_FILE")
        async with Fetcher(settings) as fetcher:
            error = await failure(fetcher, url, folder)
    assert isinstance(error, RefusedByOrigin)
    assert error.reason == "tls"


@pytest.mark.parametrize(
    "reply",
    [
        Content(bytes(1001)),
        lying(b"", 10**15),
        Endless(),
        Content(bytes(5_000_000), gzipped=True),
        Raw(head(200, {"Content-Encoding": "gzip"}) + gzip.compress(bytes(2000))),
    ],
    ids=["declared", "a petabyte declared", "endless", "gzip bomb", "gzip without length"],
)
async def test_too_many_bytes(reply: Reply, origin: Origin, settings: Settings, folder: Path) -> None:
    async with Fetcher(settings.model_copy(update={"max_bytes": 1000})) as fetcher:
        error = await failure(fetcher, origin.serve("/a", reply), folder)
    assert isinstance(error, TooBig)
    assert error.reason == "too_big"


async def test_exactly_the_limit_is_not_too_big(origin: Origin, settings: Settings, tmp_path: Path) -> None:
    async with Fetcher(settings.model_copy(update={"max_bytes": 1000})) as fetcher:
        for reply in (Content(bytes(1000)), Content(bytes(1000), gzipped=True)):
            assert (await fetcher.fetch(origin.serve("/a", reply), tmp_path / "a")).size == 1000


async def test_a_body_larger_than_said(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    """What comes together with the headers is told from garbage; what comes later is never read."""
    try:
        fetched = await fetcher.fetch(origin.serve("/a", lying(bytes(3000), 1000)), tmp_path / "a")
    except TransientMediaError as error:
        assert error.reason == "read"
    else:
        assert fetched.size == 1000


async def test_an_old_file_stays_when_the_new_one_fails(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"old")
    with pytest.raises(TransientMediaError):
        await fetcher.fetch(origin.serve("/a", lying(b"new", 5000)), tmp_path / "a.jpg")
    assert contents(tmp_path) == {"a.jpg": b"old"}


async def test_a_busy_origin_is_fine_the_third_time(origin: Origin, fetcher: Fetcher, tmp_path: Path) -> None:
    url = origin.serve("/a", busy(), busy(), Content(b"pixels"))
    for _ in range(2):
        with pytest.raises(TransientMediaError, match="http_503"):
            await fetcher.fetch(url, tmp_path / "a")
    assert (await fetcher.fetch(url, tmp_path / "a")).size == 6


NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("0", 0),
        (" 120 ", 120),
        ("86400", 3600),
        ("9" * 400, 3600),
        ("9" * 5000, 3600),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=1), usegmt=True), 3600),
        ("Wed, 99 Jul 2026 10:00:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
