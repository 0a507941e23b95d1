"""`python -m gateway` as a process, spoken to over a socket."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, create_server

import pytest

from tests.support.waiting import WAIT_SECONDS, wait_for

PROJECT = Path(__file__).parents[2]


def environment(home: Path, **values: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    return {**own, "SAIS_HOME": str(home), "SAIS_PORT": "0", **values}


@contextmanager
def started(home: Path, lines: list[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and its port; its standard error is read into `lines` up to the one that names it."""
    command = [sys.executable, "-m", "gateway"]
    child = subprocess.Popen(command, cwd=PROJECT, env=environment(home), stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    try:
        for line in child.stderr:
            lines.append(line)
            if match := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                yield child, int(match[1])
                return
        pytest.fail("".join(lines))
    finally:
        child.kill()
        child.wait()


@contextmanager
def running(home: Path) -> Iterator[tuple[http.client.HTTPConnection, list[str]]]:
    lines: list[str] = []
    with started(home, lines) as (child, port):
        yield http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS), lines
        child.send_signal(signal.SIGINT)
        assert child.stderr is not None
        lines += child.stderr.readlines()
        assert child.wait(WAIT_SECONDS) == 0


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    """`path` goes over the wire to the letter."""
    connection.putrequest("GET", path, skip_accept_encoding=True)
    connection.putheader("Authorization", "Bearer hush")
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_it_serves_and_keeps_no_secret_in_its_log(tmp_path: Path) -> None:
    with running(tmp_path) as (connection, lines):
        assert ask(connection, "/status")[0] == 200
        assert ask(connection, "/batches/1?apiKey=hush")[0] == 401
        for path in ("small/../../sais.db", "small/..%2f..%2fsais.db", "small/%2e%2e/%2e%2e/sais.db", "small/%00"):
            status, body = ask(connection, f"/media/cache/{path}")
            assert (status, "Not Found" in body) == (404, True)
    log = "".join(lines)
    assert "configured by the environment alone" in log
    assert "hush" not in log
    assert "Traceback" not in log


def run_once(home: Path, **values: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway"]
    return subprocess.run(
        command,
        cwd=PROJECT,
        env=environment(home, **values),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def test_it_does_not_expose_open_registration(tmp_path: Path) -> None:
    ended = run_once(tmp_path, SAIS_HOST="0.0.0.0")
    assert ended.returncode == 2
    assert "SAIS_REGISTRATION_TOKEN" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_said_so(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = run_once(tmp_path, SAIS_PORT=str(port))
    assert ended.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_setting_is_said_so(tmp_path: Path) -> None:
    ended = run_once(tmp_path, SAIS_MAX_BYTES="many")
    assert ended.returncode == 2
    assert "max_bytes" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_a_request_in_hand_is_answered_before_the_end(tmp_path: Path, number: signal.Signals) -> None:
    body = b'{"root": "museum", "approx": 100}'
    with started(tmp_path, []) as (child, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
        connection.putrequest("POST", "/account_setup")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10])
        assert ask(http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS), "/status")[0] == 200
        child.send_signal(number)
        wait_until_refused(port)
        connection.send(body[10:])
        answer = connection.getresponse()
        assert (answer.status, b'"root":"museum"' in answer.read()) == (200, True)
        # A signal that uvicorn has served is raised once more, so that whoever started it sees which it was.
        assert child.wait(WAIT_SECONDS) in (0, -number)


def wait_until_refused(port: int) -> None:
    def refused() -> bool:
        try:
            create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionResetError:  # it came in the moment in which the listening ended
            return False
        except ConnectionRefusedError:
            return True
        return False

    wait_for(refused, f"port {port} to be refused")
