"""The child process: waited for, heard when it dies, and never left behind."""

import os
import signal
import sys
from pathlib import Path

import pytest

from sais.demo.loopback import listening_socket
from sais.demo.stack import Stack, gateway_port, stack_environment
from sais.errors import InfrastructureError, SettingsError
from sais.settings import Settings

NOWHERE = "http://127.0.0.1:9"
# Its own child ignores every polite signal, as a stuck worker would. The FIFO tells that both are up.
STUBBORN = """
import os, signal, subprocess, sys, time
for kind in (signal.SIGINT, signal.SIGTERM):
    signal.signal(kind, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "w") as up:
    up.write(str(child.pid))
time.sleep(600)
"""


def exists(pid: int) -> bool:
    """False for a zombie too: whose parent has not looked yet, but which runs no more."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return state.rsplit(")", 1)[1].split()[0] != "Z"


def test_last_words_of_a_child_that_dies(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('port 4200 is taken')")
    with (
        Stack(tmp_path / "stack.log", os.environ, command) as stack,
        pytest.raises(InfrastructureError, match=r"ended with code 1\nport 4200 is taken"),
    ):
        stack.wait_until_ready(NOWHERE)


def test_a_child_that_is_never_ready(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    with (
        Stack(tmp_path / "stack.log", os.environ, command) as stack,
        pytest.raises(InfrastructureError, match="not ready after 0 s"),
    ):
        stack.wait_until_ready(NOWHERE, timeout=0)


def test_a_stubborn_child_and_its_child_are_ended(tmp_path: Path) -> None:
    up = tmp_path / "up"
    os.mkfifo(up)
    stack = Stack(tmp_path / "stack.log", os.environ, (sys.executable, "-c", STUBBORN, str(up)))
    with stack:
        grandchild = int(up.read_text())
        assert exists(grandchild)
        stack.stop(((signal.SIGINT, 0.0), (signal.SIGTERM, 0.0), (signal.SIGKILL, 10.0)))
        assert not exists(grandchild)


def test_environment_allows_this_machine_and_keeps_what_is_set(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, allow_hosts=("10.0.0.0/8",))
    environment = stack_environment(settings, 8018, {"SAIS_CHUNK_IMAGES": "3", "SAIS_ALLOW_HOSTS": "x", "LANG": "C"})
    assert environment["SAIS_ALLOW_HOSTS"] == "10.0.0.0/8,127.0.0.1"
    assert environment["SAIS_CHUNK_IMAGES"] == "3"
    assert environment["SAIS_HOME"] == str(tmp_path)
    assert environment["SAIS_PUBLIC_URL"] == "http://127.0.0.1:8018"
    assert environment["SAIS_PORT"] == "8018"
    assert environment["LANG"] == "C"
    assert stack_environment(settings, 8018, {})["SAIS_CHUNK_IMAGES"] == "8"


def test_a_taken_gateway_port_is_said_before_anything_starts() -> None:
    with listening_socket(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} is taken"):
            gateway_port(Settings(port=port))
    assert gateway_port(Settings(port=port)) == port
    assert gateway_port(Settings(port=0)) > 0
