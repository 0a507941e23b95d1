"""The stacks that are put to the proof: one of servers (PostgreSQL, S3, processes of their own), and `sais up`."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deployments.environment import PROJECT, embedded_environment
from sais.settings import Settings
from tests.chaos.books import Places
from tests.chaos.processes import TOKEN, Processes
from tests.chaos.seams import Switch
from tests.chaos.supply import FaultyOrigin
from tests.support.postgres import running_postgres
from tests.support.s3 import free_ports, real_server_installed, stoppable_ceph

READY_SECONDS = 180
# Nothing that was committed may be lost by a killed PostgreSQL; that it need not reach the disk is for speed.
POSTGRES_OPTIONS = ("listen_addresses=127.0.0.1", "fsync=off", "max_connections=200")
# Times of minutes become seconds, so that a run is bounded. What they are in production is no part of what is proved.
SHORT = {
    "SAIS_READ_SECONDS": "2",
    "SAIS_FETCH_SECONDS": "15",
    "SAIS_RETRY_SECONDS": "0.5",
    "SAIS_LEASE_SECONDS": "8",
    "SAIS_CHUNK_IMAGES": "50",
    "SAIS_WEBHOOK_SECONDS": "5",
    "SAIS_ALLOW_HOSTS": "127.0.0.1",
    "SAIS_ACCESS_LOG": "off",
}
QUICK_IMAGES = 10
# Each start of a flow costs 4 s of CPU: all that a sweep asks for at once would hold one another up.
RUNS_AT_ONCE = 6


@dataclass(frozen=True)
class Store:
    """Something that can be away for a while."""

    name: str
    stop: Callable[[], None]
    start: Callable[[], None]


@dataclass(frozen=True)
class Stack:
    """`targets` are the words by which the processes that may be killed are found; `stores` can be away."""

    name: str
    home: Path
    gateway: str
    prefect: str
    places: Places
    receiver_port: int
    processes: Processes
    switch: Switch
    origin: FaultyOrigin
    targets: dict[str, str]
    stores: list[Store]


TARGETS = {
    "worker": "-m deployments.worker",
    "flow process": "-m deployments.flow_run",
    "run starter": "-m deployments.run_starter",
    "imaging worker": "-m sais.imaging.worker",
    "gateway": "-m gateway",
    "quick runner": "-m deployments.quick_runner",
    "Prefect server": "-m deployments.prefect_server",
}


@contextmanager
def server_stack(home: Path, origin: FaultyOrigin, *, scheduled: bool = True) -> Iterator[Stack]:
    """PostgreSQL for SAIS and for Prefect, S3 for originals and thumbs, every process by itself."""
    with ExitStack() as stack:
        postgres = stack.enter_context(running_postgres(POSTGRES_OPTIONS, contrib=True))
        stores = [Store("PostgreSQL", postgres.stop, postgres.start)]
        environment = _environment(home, *free_ports(2))
        environment["SAIS_DATABASE_URL"] = postgres.fresh_database()
        if postgres.has_extension("pg_trgm"):  # Prefect's server needs it; without it that is on SQLite
            prefect_database = postgres.fresh_database().replace("+psycopg", "+asyncpg")
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = prefect_database
        options: dict[str, Any] = {}
        if real_server_installed():
            s3, ceph = stack.enter_context(stoppable_ceph())
            stores.append(Store("S3", ceph.stop_gateway, lambda: ceph.start_gateway(s3.url)))
            bucket, options = s3.fresh_bucket(), s3.options()
            environment |= {
                "SAIS_ARCHIVE_URL": f"s3://{bucket}/archive",
                "SAIS_CACHE_URL": f"s3://{bucket}/cache",
                "SAIS_S3_ENDPOINT_URL": s3.url,
                "AWS_ACCESS_KEY_ID": s3.key,
                "AWS_SECRET_ACCESS_KEY": s3.secret,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        made = _stack(stack, "servers", home, environment, origin, stores, options)
        _start_servers(made, scheduled=scheduled)
        yield made


@contextmanager
def embedded_stack(home: Path, origin: FaultyOrigin) -> Iterator[Stack]:
    """`sais up` as it is: SQLite, folders, and Prefect's server inside."""
    with ExitStack() as stack:
        environment = _environment(home, *free_ports(2))
        made = _stack(stack, "sais up", home, environment, origin, [], {})
        made.processes.start("sais up", [sys.executable, "-m", "deployments.embedded"])
        wait_until_ready(made)
        _start_sweeper(made)
        yield made


def _environment(home: Path, port: int, prefect_port: int) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SAIS_", "AWS_"))}
    return (
        embedded_environment(Settings(home=home), prefect_port, clean)
        | SHORT
        | {
            "SAIS_PORT": str(port),
            "SAIS_PREFECT_PORT": str(prefect_port),
            "SAIS_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "SAIS_QUICK_IMAGES": str(QUICK_IMAGES),
            TOKEN: secrets.token_hex(8),
        }
    )


def _stack(
    stack: ExitStack,
    name: str,
    home: Path,
    environment: dict[str, str],
    origin: FaultyOrigin,
    stores: list[Store],
    options: dict[str, Any],
) -> Stack:
    home.mkdir(parents=True, exist_ok=True)
    Path(environment["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
    switch = Switch(home / "switch")
    processes = stack.enter_context(Processes(environment | switch.environment(PROJECT), home / "logs"))
    (port,) = free_ports(1)
    (home / "inbox").mkdir()
    receiver = [sys.executable, "-m", "tests.chaos.receiver", str(port), str(home / "inbox")]
    processes.start("receiver", receiver, without=["CHAOS_SWITCH"])
    away = Store("receiver", lambda: processes.stop("receiver"), lambda: processes.start("receiver", receiver))
    return Stack(
        name=name,
        home=home,
        gateway=environment["SAIS_PUBLIC_URL"],
        prefect=environment["PREFECT_API_URL"],
        places=Places(
            database_url=environment.get("SAIS_DATABASE_URL", f"sqlite:///{home / 'sais.db'}"),
            archive_url=environment.get("SAIS_ARCHIVE_URL", (home / "archive").as_uri()),
            cache_url=environment.get("SAIS_CACHE_URL", (home / "cache").as_uri()),
            originals=home / "originals",
            inbox=home / "inbox",
            s3_options=options,
        ),
        receiver_port=port,
        processes=processes,
        switch=switch,
        origin=origin,
        targets=TARGETS,
        stores=[*stores, away],
    )


def _start_servers(stack: Stack, *, scheduled: bool) -> None:
    start = stack.processes.start
    port = str(httpx.URL(stack.prefect).port)
    start("Prefect server", [sys.executable, "-m", "deployments.prefect_server", "--port", port])
    _wait_for(f"{stack.prefect}/health")
    stack.processes.run([sys.executable, "-m", "deployments.bootstrap"])
    _prepare_deployments(stack, scheduled=scheduled)
    start("gateway", [sys.executable, "-m", "gateway"])
    start("worker", [sys.executable, "-m", "deployments.worker"])
    start("quick runner", [sys.executable, "-m", "deployments.quick_runner"])
    _start_sweeper(stack)
    wait_until_ready(stack)


def _start_sweeper(stack: Stack) -> None:
    stack.processes.start("sweeper", [sys.executable, "-m", "tests.chaos.sweeper"])


def _prepare_deployments(stack: Stack, *, scheduled: bool) -> None:
    """Flows are not `nice` here: where other programs keep the machine busy they would not come to their work.

    Not `scheduled`: the sweeper alone does what the minutely runs would, so that none of them comes into a seam's way.
    """
    with httpx.Client(base_url=stack.prefect, trust_env=False, timeout=60) as prefect:
        prefect.patch("/work_pools/sais", json={"concurrency_limit": RUNS_AT_ONCE}).raise_for_status()
        for deployment in prefect.post("/deployments/filter", json={}).raise_for_status().json():
            path = f"/deployments/{deployment['id']}"
            variables = {**deployment["job_variables"], "command": "python -m deployments.flow_run"}
            prefect.patch(path, json={"job_variables": variables}).raise_for_status()
            for schedule in deployment["schedules"]:
                active = schedule["active"] and scheduled
                prefect.patch(f"{path}/schedules/{schedule['id']}", json={"active": active}).raise_for_status()


def wait_until_ready(stack: Stack) -> None:
    _wait_for(f"{stack.gateway}/status")
    _wait_for(f"{stack.prefect}/deployments/name/ingest/ingest")


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer within {READY_SECONDS} s")
