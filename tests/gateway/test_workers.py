"""`python -m gateway` with several processes on one socket."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import httpx2
import pytest
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.support.waiting import WAIT_SECONDS, wait_for

PROJECT = Path(__file__).parents[2]


def serving(url: str) -> str:
    """The id of the process that answers a new connection."""
    text = httpx.get(f"{url}/metrics", trust_env=False, timeout=WAIT_SECONDS).text
    found = re.search(r'process="(\d+)"', text)
    return found[1] if found else ""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    told = {"SAIS_HOME": str(tmp_path), "SAIS_PORT": "0", "SAIS_GATEWAY_WORKERS": "2", "SAIS_ACCESS_LOG": "off"}
    command = [sys.executable, "-m", "gateway"]
    with (tmp_path / "log").open("w") as log:
        child = subprocess.Popen(command, cwd=PROJECT, env={**own, **told}, stderr=log, text=True)
    try:
        wait_for(lambda: "listening on" in (tmp_path / "log").read_text() or child.poll() is not None, "its port")
        match = re.search(r"listening on (http://127\.0\.0\.1:\d+)", (tmp_path / "log").read_text())
        assert match, (tmp_path / "log").read_text()
        yield match[1], child
    finally:
        child.terminate()
        child.wait(WAIT_SECONDS)


async def test_two_processes_serve_and_end_as_one(gateway: tuple[str, subprocess.Popen[str]]) -> None:
    url, child = gateway
    processes: set[str] = set()

    def seen_both() -> bool:
        processes.update({serving(url)} - {""})
        return len(processes) == 2

    wait_for(seen_both, "both processes")
    assert str(child.pid) not in processes
    async with httpx2.AsyncClient(trust_env=False, timeout=WAIT_SECONDS) as http:
        for _ in range(4):
            # Whichever process it comes to: no session is left behind in one of them.
            async with (
                streamable_http_client(f"{url}/mcp", http_client=http) as streams,
                ClientSession(*streams) as mcp,
            ):
                await mcp.initialize()
                for _ in range(4):
                    assert (await mcp.call_tool("sum_numbers", {"numbers": [1, 2]})).structured_content == {"sum": 3}
    child.send_signal(signal.SIGINT)
    assert child.wait(WAIT_SECONDS) == 0
    with pytest.raises(httpx.TransportError):
        serving(url)


def test_processes_end_with_a_parent_that_was_killed(gateway: tuple[str, subprocess.Popen[str]]) -> None:
    url, child = gateway
    assert httpx.get(f"{url}/filters", trust_env=False, timeout=WAIT_SECONDS).status_code == 200
    child.kill()
    child.wait()

    def refuses() -> bool:
        try:
            serving(url)
        except httpx.TransportError:
            return True
        return False

    wait_for(refuses, "the end of all processes")
