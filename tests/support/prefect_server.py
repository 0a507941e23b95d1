"""A real Prefect server as `sais up` starts it, with all its services.

Not Prefect's own test harness: its server has no triggers, and stands still for a minute now and then
(docs/decisions/0012).
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    temporary_settings,
)

from deployments.environment import PROJECT, TUNED_SERVER

START_SECONDS = 120
# For tests that ask what has come in; the shipped settings write it 5 and 10 s later.
SOON = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "0.2",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "0.2",
}


@contextlib.contextmanager
def speaking_to(api: str, folder: Path) -> Iterator[None]:
    """Flows of this process report to the server at `api`, whose database is in `folder`."""
    with temporary_settings(
        {
            PREFECT_API_URL: api,
            PREFECT_SERVER_DATABASE_CONNECTION_URL: f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
            # Without heartbeats a sync flow ends a second sooner.
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        }
    ):
        # These two keep the address that they began with.
        _send_all()
        yield
        _send_all()


def _send_all() -> None:
    APILogWorker.drain_all()
    EventsWorker.drain_all()


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
