"""`sais up` refuses to start when it could not work, and says why in a line."""

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.environment import PROJECT, embedded_environment
from sais.settings import Settings
from tests.support.waiting import WAIT_SECONDS


def start(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    return subprocess.run(
        [sys.executable, "-m", "sais.cli", "up"],
        cwd=PROJECT,
        env={**clean, "SAIS_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


@pytest.fixture
def taken() -> Iterator[str]:
    """A port of this machine that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


def test_a_second_one_on_the_same_home_refuses(tmp_path: Path) -> None:
    with (tmp_path / "sais.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = start(tmp_path)
    assert ended.returncode == 2
    assert f"another `sais up` works on {tmp_path}" in ended.stderr
    assert ended.stderr.count("\n") == 1, "one line, no stack trace"


@pytest.mark.parametrize(
    ("setting", "what"), [("SAIS_PORT", "gateway"), ("SAIS_PREFECT_PORT", "Prefect server")], ids=str
)
def test_a_taken_port_is_told_with_the_setting_that_changes_it(
    tmp_path: Path, taken: str, setting: str, what: str
) -> None:
    ports = {"SAIS_PORT": "0", "SAIS_PREFECT_PORT": "0"}
    ended = start(tmp_path, **{**ports, setting: taken})
    assert ended.returncode == 2
    assert f"the {what} cannot have port {taken}" in ended.stderr
    assert setting in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_nothing_of_an_embedded_stack_listens_beyond_loopback_or_tells_strangers(settings: Settings) -> None:
    environment = embedded_environment(settings, 4321, {})
    assert environment["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert environment["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert settings.host == "127.0.0.1"


def test_what_the_user_has_set_stays(settings: Settings) -> None:
    theirs = {"PREFECT_WORKER_QUERY_SECONDS": "7", "SAIS_CHUNK_IMAGES": "9"}
    environment = embedded_environment(settings, 4321, theirs)
    assert theirs.items() <= environment.items()
