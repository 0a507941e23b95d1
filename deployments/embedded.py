"""`sais up`: Prefect server, worker and gateway on this machine, as one. Ctrl-C ends all of them.

python -m deployments.embedded
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx

from deployments.environment import BULK_QUEUE, PROJECT, SWEEPS_QUEUE, embedded_environment
from deployments.flow_run import ADDRESS
from deployments.own_starter import is_possible, new_address, starter_command
from deployments.ports import require_free
from sais.catalog.database import open_database
from sais.configuration import Configuration
from sais.errors import InfrastructureError, InputError, PrefectUnavailable, SaisError
from sais.runs import EMBEDDED_PORT
from sais.settings import Settings

SERVER_SECONDS = 120
# Of the time to stop: for everything but the Prefect server, which ends last.
OTHERS_SHARE = 0.8
WATCH_SECONDS = 0.5
# When `sais up` itself is killed and cannot stop them, the kernel ends what it started.
DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []


class Interrupted(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


class Stack:
    """The processes, in the order in which they were started; each in a group of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        self.processes[name] = subprocess.Popen(  # noqa: S603  our own commands
            [*DIE_WITH_PARENT, *command],
            cwd=PROJECT,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def check(self) -> None:
        """Raises InfrastructureError when one of them has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise InfrastructureError(f"the {name} ended by itself with code {process.returncode}")

    def stop(self, seconds: float) -> None:
        """SIGINT, the Prefect server last: until then runs tell it how they ended. SIGKILL after `seconds` in all."""
        start = time.monotonic()
        server, *others = self.processes or [""]
        self._end(others, start + OTHERS_SHARE * seconds)
        self._end([server], start + seconds)

    def _end(self, names: Sequence[str], deadline: float) -> None:
        processes = {name: self.processes[name] for name in names if name in self.processes}
        for process in processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for name, process in processes.items():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                print(f"the {name} did not end in time and is killed", file=sys.stderr, flush=True)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Holds the home folder. Raises InputError when another `sais up` has it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "sais.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another `sais up` works on {settings.home}; end it, or set SAIS_HOME to another folder",
                field="SAIS_HOME",
            ) from error
        yield


def wait_for_server(stack: Stack, api_url: str) -> None:
    """Until Prefect answers. Raises PrefectUnavailable after two minutes, or when the server has ended."""
    deadline = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < deadline:
        stack.check()
        try:
            if httpx.get(f"{api_url}/health", timeout=2, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise PrefectUnavailable(f"the Prefect server did not answer within {SERVER_SECONDS} s")


def run(settings: Settings, prefect_port: int) -> None:
    """Starts everything, says so, and watches it until Ctrl-C. Raises SaisError when something cannot go on."""
    require_free(settings.host, settings.port, "gateway", "SAIS_PORT")
    require_free("127.0.0.1", prefect_port, "Prefect server", "SAIS_PREFECT_PORT")
    environment = embedded_environment(settings, prefect_port)
    if settings.warm_runs and is_possible():
        environment[ADDRESS] = new_address()
    Path(environment["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
    stack = Stack(environment)
    try:
        stack.start("Prefect server", [sys.executable, "-m", "deployments.prefect_server", "--port", str(prefect_port)])
        # While the server starts: the tables, and the imports of the bootstrap.
        open_database(Configuration.from_settings(settings).database_url).dispose()
        os.environ.update(environment)
        from deployments import bootstrap  # noqa: PLC0415  reads PREFECT_API_URL when it is imported

        wait_for_server(stack, environment["PREFECT_API_URL"])
        asyncio.run(bootstrap.make_ready())
        stack.start("gateway", [sys.executable, "-m", "gateway"])
        if ADDRESS in environment:
            stack.start("run starter", starter_command(environment[ADDRESS]))
        worker = [sys.executable, "-m", "deployments.worker"]
        stack.start("worker", [*worker, "--queue", BULK_QUEUE, "--limit", str(settings.bulk_runs)])
        # However many long runs there are, the sweeps come to their turn each minute.
        stack.start("sweeper", [*worker, "--queue", SWEEPS_QUEUE])
        if settings.quick_images:
            stack.start("quick runner", [sys.executable, "-m", "deployments.quick_runner"])
        bootstrap.deploy(environment)
        asyncio.run(bootstrap.automate())
        print("SAIS is ready", flush=True)
        print(f"  gateway  http://{settings.host}:{settings.port}", flush=True)
        print(f"  Prefect  http://127.0.0.1:{prefect_port}", flush=True)
        while True:
            stack.check()
            time.sleep(WATCH_SECONDS)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        stack.stop(settings.stop_seconds)


def interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    settings = Settings()
    try:
        with only_one(settings):
            run(settings, int(os.environ.get("SAIS_PREFECT_PORT") or EMBEDDED_PORT))
    except Interrupted:
        print("SAIS has stopped", flush=True)
        return 0
    except InputError as error:
        print(f"sais up: {error}", file=sys.stderr)
        return 2
    except SaisError as error:
        print(f"sais up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
