"""A real Prefect server with the embedded stack's settings, and runs of `ingest` as a worker starts them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from benchmarks.measuring import ended_cpu, tree_cpu
from benchmarks.origin import free_port
from deployments.environment import PROJECT, embedded_environment
from deployments.flow_run import ADDRESS
from deployments.own_starter import new_address, wait_until_ready
from sais.settings import Settings

START_SECONDS = 300
# The server writes task runs and events 5 s after it was told of them.
WRITING_SECONDS = 6
SETTLE_SECONDS = 10
IDLE_SECONDS = 10
QUIET_CPU = 0.08
# How the names of task runs begin that work on a chunk of images.
IMAGE_STEPS = ("download-", "archive-", "resize-", "notify-")


@dataclass(frozen=True)
class Run:
    """Seconds: `whole` of the flow's process, `tasks` from the start of the first task to the end of the last, `images`
    the same of the tasks that work on a chunk of images. CPU seconds: `cpu` of the process and its imaging workers,
    `own` without these, `server` of Prefect's server, from the making of the run to its end, and what it does for it
    after that."""

    whole: float
    tasks: float
    images: float
    cpu: float
    own: float
    server: float


class PrefectServer:
    """A context manager; work pool, blocks and deployments as the bootstrap makes them."""

    def __init__(self, work: Path) -> None:
        port = free_port()
        self._log = work / "prefect.log"
        self._own_cpu = work / "flow-process.cpu"
        self._api = f"http://127.0.0.1:{port}/api"
        # What the person who measures has set for an installation of their own is no part of this one.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SAIS_"))}
        self.environment = embedded_environment(Settings(home=work / "server"), port, clean)
        Path(self.environment["PREFECT_HOME"]).mkdir(parents=True)
        self._command = [sys.executable, "-m", "deployments.prefect_server", "--port", str(port)]

    def __enter__(self) -> Self:
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._command, cwd=PROJECT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._client = httpx.Client(base_url=self._api, trust_env=False, timeout=60)
        try:
            self._wait()
            self._python("-m", "deployments.bootstrap")
            self._pause_schedules()
            self._idle = self._idle_rate()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ingest(self, parameters: Mapping[str, Any], environment: Mapping[str, str]) -> Run:
        """One run of the deployment, by `deployments.flow_run` as the work pool's command has it, under a run starter
        that is ready: it starts with its worker, and is no part of a run."""
        deployment = self._ask("GET", "/deployments/name/ingest/ingest")["id"]
        server = tree_cpu(self.pid)
        run = self._ask("POST", f"/deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]
        told = {"PREFECT__FLOW_RUN_ID": run, "BENCH_CPU_FILE": str(self._own_cpu)}
        with self._starter(environment) as (address, starter):
            before, asked, start = tree_cpu(starter), ended_cpu(), time.perf_counter()
            self._python("-m", "deployments.flow_run", **environment, **told, **{ADDRESS: address})
            whole = time.perf_counter() - start
            cpu = tree_cpu(starter) - before + ended_cpu() - asked
        ended = time.perf_counter()
        self.settle()
        server = tree_cpu(self.pid) - server - self._idle * (time.perf_counter() - ended)
        state = self._ask("GET", f"/flow_runs/{run}")["state"]
        if state["type"] != "COMPLETED":
            raise RuntimeError(f"the flow run is {state['type']}: {state['message']}")
        tasks = self._ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
        images = [task for task in tasks if task["name"].startswith(IMAGE_STEPS)]
        return Run(whole, _seconds(tasks), _seconds(images), cpu, float(self._own_cpu.read_text()), server)

    def _pause_schedules(self) -> None:
        """No worker runs the sweeps: the server would mark each of them as late, 25 ms of its CPU."""
        for deployment in self._ask("POST", "/deployments/filter", {}):
            self._ask("PATCH", f"/deployments/{deployment['id']}", {"paused": True})

    def _idle_rate(self) -> float:
        """CPU seconds a second when nothing runs."""
        self.settle()
        before = tree_cpu(self.pid)
        time.sleep(IDLE_SECONDS)
        return (tree_cpu(self.pid) - before) / IDLE_SECONDS

    @contextmanager
    def _starter(self, environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
        """Its address and process id."""
        address = new_address()
        command = [sys.executable, "-m", "benchmarks.flow_process", address]
        told = self.environment | dict(environment)
        with self._log.open("a") as log:
            process = subprocess.Popen(command, cwd=PROJECT, env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._wait_for_starter(address, process)
            yield address, process.pid
        finally:
            process.terminate()
            process.wait()

    def _wait_for_starter(self, address: str, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            try:
                return wait_until_ready(address)
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise RuntimeError(f"the run starter has ended; the last words: {self._log.read_text()[-2000:]}")

    def settle(self) -> None:
        """Until the server has written what it was told, and has little to do for a second."""
        time.sleep(WRITING_SECONDS)
        for _ in range(SETTLE_SECONDS):
            before = tree_cpu(self.pid)
            time.sleep(1)
            if tree_cpu(self.pid) - before < QUIET_CPU:
                return

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self._client.get("/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise TimeoutError(f"the Prefect server does not answer; its last words: {self._log.read_text()[-2000:]}")

    def _python(self, *arguments: str, **environment: str) -> None:
        with self._log.open("a") as log:
            told = self.environment | environment
            subprocess.run([sys.executable, *arguments], cwd=PROJECT, env=told, stdout=log, stderr=log, check=True)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Tries again, because the server on SQLite answers some requests with 503."""
        for pause in (0.2, 0.5, 1.0, 2.0):
            answer = self._client.request(method, path, json=body)
            if not answer.is_server_error:
                break
            time.sleep(pause)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def _seconds(tasks: Sequence[Mapping[str, Any]]) -> float:
    """From the start of the first to the end of the last; 0 when nothing was left to do."""
    if not tasks:
        return 0.0
    first = min(datetime.fromisoformat(task["start_time"]) for task in tasks)
    last = max(datetime.fromisoformat(task["end_time"]) for task in tasks)
    return (last - first).total_seconds()
