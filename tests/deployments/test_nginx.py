"""A real nginx with the shipped configuration, before a real gateway."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn

from deployments.nginx import configuration, main, served_presets
from gateway.application import create_application
from gateway.images import CACHE_CONTROL
from gateway.state import GatewayState
from sais.catalog.database import open_database, writing
from sais.catalog.presets import publish_presets
from sais.configuration import Configuration
from sais.errors import SettingsError
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import DEFAULT_PRESETS, PresetSettings, ThumbFormat
from tests.gateway.prefect_stub import running_prefect
from tests.gateway.stage import Stage, bearer, url_of
from tests.support.pictures import encoded, quarters

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: nginx-light)")

PICTURE = bytes(range(100))
ORIGINAL = PresetSettings(name="same", width=100, height=100, format=ThumbFormat.ORIGINAL)
JPEG = PresetSettings(name="photo", width=100, height=100, format=ThumbFormat.JPEG)


def wrapped(work: Path, server: str) -> str:
    """What a distribution's nginx.conf is, as small as it can be, and everything in a temporary folder."""
    folders = "".join(
        f"{name}_temp_path {work}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"{user}\nworker_processes 1;\npid {work}/nginx.pid;\nerror_log {work}/error.log;\n"
        f"events {{ worker_connections 64; }}\nhttp {{\n{folders}access_log {work}/access.log;\n"
        f"types {{ image/jpeg jpg; }}\ndefault_type application/octet-stream;\n{server}\n}}\n"
    )


@contextmanager
def running_nginx(work: Path, server: str) -> Iterator[None]:
    """It goes into the background by itself once it listens."""
    assert NGINX is not None
    (work / "nginx.conf").write_text(wrapped(work, server))
    command = [NGINX, "-p", str(work), "-c", str(work / "nginx.conf"), "-e", str(work / "error.log")]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        os.kill(int((work / "nginx.pid").read_text()), signal.SIGTERM)


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@asynccontextmanager
async def running_gateway(settings: Settings, on: socket.socket) -> AsyncIterator[GatewayState]:
    with running_prefect() as prefect:
        application = create_application(Configuration.from_settings(settings), PrefectSettings(api_url=prefect.url))
        async with application.router.lifespan_context(application):
            server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None, access_log=False))
            async with serving(server, on):
                state: GatewayState = application.state.gateway
                yield state


@asynccontextmanager
async def serving(server: uvicorn.Server, on: socket.socket) -> AsyncIterator[None]:
    """`on` listens already: who asks before the server is ready waits."""
    task = asyncio.create_task(server._serve(sockets=[on]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


@dataclass(frozen=True)
class Front:
    """`through` speaks with nginx, `stage` with the gateway itself; `gateway` closes it down."""

    through: httpx.AsyncClient
    stage: Stage
    work: Path


@pytest.fixture
async def front(settings: Settings, tmp_path: Path) -> AsyncIterator[Front]:
    with listener() as gateway, listener() as free:
        port = free.getsockname()[1]
        free.close()
        own = settings.model_copy(update={"port": gateway.getsockname()[1], "home": tmp_path / "home"})
        work = tmp_path / "nginx"
        work.mkdir()
        async with running_gateway(own, gateway) as state:
            await state.database.write(publish_presets, [*DEFAULT_PRESETS, ORIGINAL, JPEG])
            presets = await state.database.read(served_presets)
            server = configuration(own, presets, listen=f"127.0.0.1:{port}")
            with running_nginx(work, server):
                direct = httpx.AsyncClient(base_url=f"http://127.0.0.1:{own.port}")
                through = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")
                async with direct, through:
                    yield Front(through, Stage(direct, state), work)


async def thumb(front: Front, *presets: str) -> str:
    """The path of an image that has these thumbs."""
    key = await front.stage.account()
    await front.stage.dispatch(key, [url_of(1)], filters=list(presets))
    return await front.stage.finish(url_of(1), PICTURE, presets)


def asked_of_the_gateway(answer: httpx.Response) -> bool:
    """The gateway's ETags name the recipe, nginx' have a time and a size in hexadecimal digits."""
    return "abcdefabcdef" in answer.headers["ETag"]


def exchange(host: tuple[str, int], request: str) -> bytes:
    with socket.create_connection(host, 10) as raw:
        raw.sendall(request.encode())
        return b"".join(iter(lambda: raw.recv(65_536), b""))


@needs_nginx
async def test_a_thumb_goes_out_without_the_gateway_and_with_the_type_of_its_bytes(front: Front) -> None:
    path = await thumb(front, "small", "photo")
    assert path.endswith(".jpg")
    for preset, mime_type in (("small", "image/webp"), ("photo", "image/jpeg")):
        answer = await front.through.get(f"/media/cache/{preset}/{path}")
        assert (answer.status_code, answer.content) == (200, PICTURE)
        assert answer.headers["Content-Type"] == mime_type
        assert answer.headers["Cache-Control"] == CACHE_CONTROL
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not asked_of_the_gateway(answer)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@needs_nginx
async def test_conditions_ranges_and_head(front: Front) -> None:
    address = f"/media/cache/small/{await thumb(front, 'small')}"
    full = await front.through.get(address)
    for headers in ({"If-None-Match": full.headers["ETag"]}, {"If-Modified-Since": full.headers["Last-Modified"]}):
        assert (await front.through.get(address, headers=headers)).status_code == 304
    part = await front.through.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, PICTURE[10:20])
    assert (await front.through.get(address, headers={"Range": "bytes=100-"})).status_code == 416
    head = await front.through.head(address)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "100", b"")


@needs_nginx
async def test_what_is_not_there_is_asked_of_the_gateway(front: Front) -> None:
    path = await thumb(front, "small")
    busy = await front.through.get(f"/media/cache/medium/{path}")
    assert (busy.status_code, busy.json()["title"]) == (503, "server busy")
    assert (await front.through.get("/media/cache/small/museum/00/0000000000000000.jpg")).status_code == 404
    assert (await front.through.get("/media/cache/small/museum/00/")).status_code == 404
    resolved = await front.through.get(f"/media/cache/resolve/small/{path}")
    assert (resolved.status_code, resolved.headers["Location"]) == (
        302,
        f"http://127.0.0.1:8018/media/cache/small/{path}",
    )


@needs_nginx
async def test_a_preset_that_keeps_the_originals_format_is_served_by_the_gateway(front: Front) -> None:
    path = await thumb(front, "same")
    answer = await front.through.get(f"/media/cache/same/{path}")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, PICTURE, "image/webp")
    assert asked_of_the_gateway(answer)


@needs_nginx
@pytest.mark.parametrize(
    "path",
    [
        "small/../../../nginx/nginx.conf",
        "small/%2e%2e/%2e%2e/nginx/nginx.conf",
        "small/..%2f..%2f..%2fnginx%2fnginx.conf",
        "small/..%5c..%5cnginx.conf",
        "small/%00",
        "small//museum",
        "small/link",
        "small/.sais-0123456789abcdef.part",
        "small/museum/.hidden",
        "small/",
        "tiny/",
    ],
)
async def test_no_path_leaves_the_cache(front: Front, path: str) -> None:
    await thumb(front, "small")
    cache = front.stage.state.settings.home / "cache" / "small"
    (cache / "link").symlink_to(front.work / "nginx.conf")
    for hidden in (cache / ".sais-0123456789abcdef.part", cache / "museum" / ".hidden"):
        hidden.write_bytes(b"unfinished")
    # httpx would tidy the address up.
    host = str(front.through.base_url.host), front.through.base_url.port or 0
    answer = await asyncio.to_thread(exchange, host, f"GET /media/cache/{path} HTTP/1.0\r\nHost: a\r\n\r\n")
    assert answer.split(b" ", 2)[1] in {b"400", b"404"}, answer[:200]
    assert b"worker_processes" not in answer
    assert b"unfinished" not in answer


@needs_nginx
async def test_an_encoded_slash_is_another_address(front: Front) -> None:
    head, _, name = (await thumb(front, "small")).rpartition("/")
    assert (await front.through.get(f"/media/cache/small/{head}%2F{name}")).status_code == 404
    assert (await front.through.get(f"/media/cache/small/{head}//{name}")).status_code == 404


@needs_nginx
async def test_everything_else_goes_through(front: Front) -> None:
    key = await front.stage.account()
    fields, file = {"root": "museum"}, {"file": ("a.png", encoded(quarters(), "PNG"))}
    sent = await front.through.post("/upload", data=fields, files=file, headers=bearer(key))
    assert sent.status_code == 200
    query = {"url": "https://pictures.example/a.jpg?x=%2F"}
    asked = await front.through.get("/request/small", params=query, headers=bearer(key))
    assert (asked.status_code, asked.json()["originalUrl"]) == (202, query["url"])
    large = await front.through.post("/manifests", content=b"https://a.example/1.jpg\n" * 200_000, headers=bearer(key))
    assert large.status_code == 202
    assert (await front.through.get("/ui/batches/1")).status_code == 200


@needs_nginx
def test_for_the_world_it_shows_no_pages(settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"registration_token": "token", "home": tmp_path / "home"})
    for listen, hidden in (("0.0.0.0:8080", True), ("8080", True), ("127.0.0.1:8080", False), ("[::1]:8080", False)):
        assert ("return 403" in configuration(own, [], listen=listen)) == hidden
        (tmp_path / "nginx.conf").write_text(wrapped(tmp_path, configuration(own, [], listen=listen)))
        subprocess.run(
            [str(NGINX), "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"],
            check=True,
            capture_output=True,
        )


def test_what_nginx_could_not_serve_or_should_not(settings: Settings) -> None:
    for values, listen, says in (
        ({}, "0.0.0.0:80", "SAIS_REGISTRATION_TOKEN"),
        ({}, "80", "SAIS_REGISTRATION_TOKEN"),
        ({}, "127.0.0.1:80; evil", "--listen"),
        ({"cache_url": "s3://bucket/thumbs"}, "127.0.0.1:80", "local folder"),
        ({"cache_url": "file:///a%20b"}, "127.0.0.1:80", "SAIS_CACHE_URL"),
    ):
        with pytest.raises(SettingsError, match=says):
            configuration(settings.model_copy(update=values), [], listen=listen)


def test_the_command_writes_it_and_a_preset_of_two_formats_is_left_to_the_gateway(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    assert main([]) == 0
    assert "location ^~ /media/cache/medium/" in capsys.readouterr().out
    engine = open_database(settings.effective_database_url)
    with writing(engine) as connection:
        publish_presets(connection, DEFAULT_PRESETS)
        publish_presets(connection, [DEFAULT_PRESETS[2].model_copy(update={"format": ThumbFormat.AVIF})])
    engine.dispose()
    assert main([]) == 0
    written = capsys.readouterr().out
    assert "location ^~ /media/cache/small/" in written
    assert "location ^~ /media/cache/medium/" not in written
    assert main(["--listen", "0.0.0.0:80"]) == 2
    assert "SAIS_REGISTRATION_TOKEN" in capsys.readouterr().err
