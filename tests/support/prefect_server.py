"""A real Prefect server with all its services, as a process of its own: the test harness' server has no triggers."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from deployments.environment import PROJECT, TUNED_SERVER

START_SECONDS = 120


@contextlib.contextmanager
def running_prefect(folder: Path, **settings: str) -> Iterator[str]:
    """The address of its API; `settings` are PREFECT_… variables."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SAIS_"))}
    own = {"PREFECT_HOME": str(folder), "PREFECT_API_URL": api, "PREFECT_SERVER_API_HOST": "127.0.0.1"}
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "deployments.prefect_server", "--port", str(port)],
            cwd=PROJECT,
            env={**clean, **TUNED_SERVER, **own, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(server, api, log)
        yield api
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], api: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{api}/health", timeout=5, trust_env=False).is_success:
                return
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Prefect did not start: {log.read_text()[-2000:]}")
        time.sleep(0.1)
