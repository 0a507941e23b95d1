import json
import logging
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from gateway.application import create_application
from gateway.client_address import client_address, networks_of
from sais.catalog.batches import get_batch
from sais.configuration import Configuration
from sais.runs import PrefectSettings, quick_request
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(record.message) for record in caplog.records if record.name == "gateway.access"]


async def test_a_line_says_what_was_asked_and_keeps_its_secrets(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    key = await stage.account()
    with caplog.at_level(logging.INFO, "gateway.access"):
        answer = await stage.client.get("/batches/7?apiKey=hush", headers=bearer(key) | {"User-Agent": "museum/1\n"})
    (line,) = lines_of(caplog)
    assert datetime.fromisoformat(str(line.pop("time"))).tzinfo is not None
    assert isinstance(line.pop("ms"), float)
    assert line == {
        "request": answer.headers["X-Request-Id"],
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/batches/7",
        "route": "/batches/{batch_id}",
        "status": 404,
        "bytes": len(answer.content),
        "agent": "museum/1\n",
    }
    assert key not in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.parametrize("given", ["museum-42", "0198c4c2-0000-7000-8000-000000000001", "a" * 64])
async def test_a_sane_request_id_is_kept(stage: Stage, given: str) -> None:
    answer = await stage.client.get("/filters", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "-x", 'x"}', "é", "a,b", "x\ty", "../x"])
async def test_another_is_replaced(stage: Stage, given: str) -> None:
    answers = [await stage.client.get("/filters", headers={b"X-Request-Id": given.encode("latin-1")}) for _ in range(2)]
    first, second = (answer.headers["X-Request-Id"] for answer in answers)
    assert first != second
    assert {len(first), len(second)} == {32}


async def test_the_id_follows_into_the_batch_and_its_run(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    body = {"root": "museum", "images": [url_of(1)], "lane": "bulk"}
    answer = await stage.client.post(
        "/dispatch_process", json=body, headers=bearer(key) | {"X-Request-Id": "museum-42"}
    )
    batch = await stage.state.database.read(get_batch, int(answer.headers["X-Sais-Batch"]))
    assert batch.request_id == "museum-42"
    (run,) = prefect.runs.values()
    assert "request:museum-42" in run["tags"]


def test_a_run_for_many_has_the_id_of_each() -> None:
    tags = quick_request("museum", [7, 8, 9], "key", ["museum-42", "museum-42", "gallery-1"])["tags"]
    assert [tag for tag in tags if tag.startswith("request:")] == ["request:museum-42", "request:gallery-1"]


async def test_every_problem_has_an_id_even_a_bug(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    application = create_application(Configuration.from_settings(settings), PrefectSettings())

    @application.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError

    async with application.router.lifespan_context(application):
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            with caplog.at_level(logging.INFO, "gateway.access"):
                answer = await client.get("/bug", headers={"X-Request-Id": "odd-1"})
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (500, "odd-1")
    assert "ZeroDivision" not in answer.text
    assert [(line["request"], line["status"]) for line in lines_of(caplog)] == [("odd-1", 500)]


async def test_the_log_can_be_off(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    quiet = Configuration.from_settings(settings.model_copy(update={"access_log": "off"}))
    async with opened(quiet, PrefectSettings()) as stage:
        with caplog.at_level(logging.INFO, "gateway.access"):
            answer = await stage.client.get("/filters")
    assert answer.headers["X-Request-Id"]
    assert lines_of(caplog) == []


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_a_trusted_proxy_may_say_who_the_client_is(peer: str, forwarded: str, client: str) -> None:
    scope = {"type": "http", "client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert client_address(scope, networks_of(["10.0.0.0/8"])) == client
    assert client_address(scope, ()) == peer


def test_the_program_prints_its_lines_alone_and_believes_no_header(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    with (tmp_path / "lines").open("w") as lines:
        child = subprocess.Popen(
            [sys.executable, "-m", "gateway"],
            cwd=Path(__file__).parents[2],
            env={**clean, "SAIS_HOME": str(tmp_path), "SAIS_PORT": "0"},
            stdout=lines,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        assert child.stderr is not None
        address = next(line.split()[-1] for line in child.stderr if "listening on" in line)
        headers = {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "museum-42", **bearer("hush")}
        httpx.get(f"{address}/batches/1?apiKey=hush", headers=headers, trust_env=False)
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.communicate()
    (line,) = map(json.loads, (tmp_path / "lines").read_text().splitlines())
    assert (line["request"], line["client"], line["path"]) == ("museum-42", "127.0.0.1", "/batches/1")
    assert "hush" not in str(line)
