"""Runs forked by the run starter: started, told to end, killed, and turned away.

Prefect's API takes their questions and never answers, so that a run goes on until somebody ends it.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
import pytest

from deployments.environment import PROJECT
from deployments.flow_run import ADDRESS
from deployments.own_starter import OwnStarter, is_possible, new_address, starter_command, wait_until_ready
from tests.support.waiting import wait_for

pytestmark = pytest.mark.skipif(not is_possible(), reason="runs are forked on Linux only")

SECONDS = 60
FLOW_RUN = [sys.executable, "-m", "deployments.flow_run"]
# Whether it was forked: what `main` asks first.
ASK = "import os; from deployments.flow_run import run_by_starter; print('code', run_by_starter(os.environ['{}']))"


@dataclass
class Starter:
    """`environment` is that of the runs too."""

    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    asked: "socket.socket"
    runs: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(
        self, flow_run: str, command: list[str] = FLOW_RUN, folder: Path | str = PROJECT, **changes: str
    ) -> "subprocess.Popen[str]":
        """What is changed into nothing is left out."""
        told = self.environment | {"PREFECT__FLOW_RUN_ID": flow_run} | changes
        told = {name: value for name, value in told.items() if value}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.runs.append(subprocess.Popen(command, env=told, cwd=folder, **pipes))  # type: ignore[call-overload]
        return self.runs[-1]

    def end_runs(self) -> None:
        for run in self.runs:
            run.kill()
            run.communicate()
        self.runs.clear()
        if self.process.poll() is None:
            starter = psutil.Process(self.process.pid)
            wait_for(lambda: not starter.children(), "the end of all runs")

    def under_way(self) -> tuple["subprocess.Popen[str]", psutil.Process]:
        """A run that waits for Prefect's answer, as who started it sees it, and as it is."""
        client = self.start(str(uuid4()))
        self.asked.accept()
        (run,) = psutil.Process(self.process.pid).children()
        return client, run


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        yield server


@pytest.fixture(scope="module")
def module_starter() -> Iterator[Starter]:
    with opened_starter() as starter:
        yield starter


@pytest.fixture
def starter(module_starter: Starter) -> Iterator[Starter]:
    yield module_starter
    module_starter.end_runs()


@contextmanager
def opened_starter() -> Iterator[Starter]:
    with ExitStack() as stack:
        asked = stack.enter_context(listening())
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
        address = new_address()
        own = {"PREFECT_API_URL": f"http://127.0.0.1:{asked.getsockname()[1]}/api", ADDRESS: address}
        process = subprocess.Popen(starter_command(address), env=clean | own, cwd=PROJECT)
        starter = Starter(clean | own, process, asked)
        try:
            wait_for(lambda: _is_ready(address), "the starter")
            yield starter
        finally:
            process.kill()
            process.wait()
            starter.end_runs()


def _is_ready(address: str) -> bool:
    try:
        wait_until_ready(address)
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    return True


def asked(starter: Starter, **changes: str) -> str:
    """What `run_by_starter` gives for a run whose id Prefect's engine refuses at once."""
    output, _ = starter.start("no-id", [sys.executable, "-c", ASK.format(ADDRESS)], **changes).communicate(
        None, SECONDS
    )
    return output


def test_a_run_is_forked_with_streams_and_arguments_of_its_own_and_its_code_comes_back(starter: Starter) -> None:
    output = asked(starter)
    assert "Invalid flow run id. Received arguments: ['" in output
    assert output.endswith("code 1\n")


def test_a_run_whose_modules_would_be_others_is_turned_away(starter: Starter) -> None:
    assert asked(starter, SAIS_CHUNK_RETRIES="7") == "code None\n"
    assert asked(starter, **{ADDRESS: new_address()}) == "code None\n"


def test_who_is_turned_away_starts_the_run_itself(starter: Starter) -> None:
    run = starter.start("no-id", SAIS_CHUNK_RETRIES="7")
    output, _ = run.communicate(None, SECONDS)
    assert "Invalid flow run id" in output
    assert run.returncode == 1


def test_a_run_has_folder_niceness_and_environment_of_who_asked(starter: Starter) -> None:
    client = starter.start(str(uuid4()), ["nice", "-n", "3", *FLOW_RUN], PREFECT_EXTRA="told")
    starter.asked.accept()
    (run,) = psutil.Process(starter.process.pid).children()
    assert (run.nice(), run.cwd()) == (psutil.Process(client.pid).nice(), str(PROJECT))
    assert run.nice() >= 3


def test_a_run_asks_the_prefect_that_it_is_told_of(starter: Starter) -> None:
    with listening() as other:
        starter.start(str(uuid4()), PREFECT_API_URL=f"http://127.0.0.1:{other.getsockname()[1]}/api")
        other.accept()
    starter.start(str(uuid4()))
    starter.asked.accept()


def test_a_run_reads_the_settings_in_its_folder(starter: Starter, tmp_path: Path) -> None:
    with listening() as first, listening() as second:
        for other in (first, second):
            (tmp_path / ".env").write_text(f"PREFECT_API_URL=http://127.0.0.1:{other.getsockname()[1]}/api")
            starter.start(str(uuid4()), folder=tmp_path, PREFECT_API_URL="")
            other.accept()


def test_a_run_that_prefect_would_refuse_is_turned_away_and_the_next_is_not(starter: Starter) -> None:
    assert asked(starter, PREFECT_LOGGING_LEVEL="loud") == "code None\n"
    assert asked(starter).endswith("code 1\n")


def test_a_run_is_on_uvloop() -> None:
    pytest.importorskip("uvloop")
    ask = "import asyncio; from deployments.flow_run import loop_quicker; loop_quicker(); asyncio.run(print_loop())"
    given = f"async def print_loop(): print(asyncio.get_running_loop().__class__.__module__)\n{ask}"
    output = subprocess.run([sys.executable, "-c", given], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert output.stdout == "uvloop\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_run_and_ends_both_alike(starter: Starter, number: signal.Signals) -> None:
    client, run = starter.under_way()
    client.send_signal(number)
    client.wait(SECONDS)
    assert not run.is_running()
    if number == signal.SIGTERM:
        assert client.returncode == -signal.SIGTERM


def test_a_run_ends_with_who_asked_for_it(starter: Starter) -> None:
    client, run = starter.under_way()
    client.kill()
    wait_for(lambda: not run.is_running(), "the run's end")


def test_runs_end_with_a_starter_that_is_killed() -> None:
    with opened_starter() as starter:
        client, run = starter.under_way()
        starter.process.kill()
        assert client.wait(SECONDS) == -signal.SIGKILL
        wait_for(lambda: not run.is_running(), "the run's end")


def test_a_starter_that_is_told_to_end_waits_for_its_runs_and_takes_no_more() -> None:
    with opened_starter() as starter:
        client, _ = starter.under_way()
        starter.process.terminate()
        wait_for(lambda: "None" in asked(starter), "the starter to listen no more")
        assert starter.process.poll() is None
        client.terminate()
        assert starter.process.wait(SECONDS) == 0


def test_who_has_a_starter_of_its_own_starts_it_again_when_it_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    with OwnStarter() as own:
        address = os.environ[ADDRESS]
        wait_for(lambda: _is_ready(address), "the starter")
        (first,) = (each for each in psutil.Process().children() if address in each.cmdline())
        first.kill()
        wait_for(lambda: not _is_ready(address), "its end")
        wait_for(lambda: _is_ready_after(own, address), "another")
    assert not _is_ready(address)
    assert ADDRESS not in os.environ


def _is_ready_after(own: OwnStarter, address: str) -> bool:
    """As a worker asks before each run: of the first times the dead one may not be known to be dead."""
    own.ensure()
    return _is_ready(address)


def test_what_each_run_would_complete_is_complete() -> None:
    script = (
        "from deployments.preloading import preload; preload(); from prefect.client.schemas.objects import FlowRun; "
    )
    script += "print(FlowRun.__pydantic_complete__)"

    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True"]


ENDING = """
import atexit, threading
from deployments.run_starter import end_at_once

class Kept:
    def __del__(self):
        print("taken apart")

kept, told = Kept(), threading.Event()
atexit.register(print, "registered")
threading.Thread(target=lambda: (told.wait(), print("thread"))).start()
print("printed", end=" ")
told.set()
end_at_once(3)
"""


def test_all_is_done_at_the_end_of_a_run_but_taking_apart_what_was_imported() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 3, done.stderr
    assert sorted(done.stdout.split()) == ["printed", "registered", "thread"]
