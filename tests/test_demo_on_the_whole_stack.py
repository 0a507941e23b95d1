"""`sais demo --exit` as a new user runs it: Prefect server, worker, gateway, origin and client application."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.environment import PROJECT


def free_ports(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(listener.getsockname()[1]) for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


@pytest.mark.engine
def test_every_photograph_becomes_what_it_should(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    gateway, prefect = free_ports(2)
    demo = subprocess.run(
        [sys.executable, "-m", "sais.cli", "demo", "--exit"],
        cwd=PROJECT,
        env={**clean, "SAIS_HOME": str(tmp_path), "SAIS_PORT": gateway, "SAIS_PREFECT_PORT": prefect, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    log = (tmp_path / "demo-stack.log").read_text()
    assert demo.returncode == 0, f"{demo.stdout}\n{demo.stderr}\n{log[-4000:]}"
    assert len(re.findall("✓ verified", demo.stdout)) == 33
    assert "failed (http_404)" in demo.stdout
    assert "failed (corrupt)" in demo.stdout
    assert "Traceback" not in log
    secrets = re.findall(r"whsec_[A-Za-z0-9+/=]{20,}", (tmp_path / "demo-account.json").read_text())
    assert secrets
    assert secrets[0] not in log
