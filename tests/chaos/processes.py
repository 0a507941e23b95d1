"""Processes that are started again when they end, as systemd does it, and are found by the words of their commands."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]

from deployments.environment import PROJECT

TOKEN = "CHAOS_STACK"
RESTART_SECONDS = 1.0
LOOK_SECONDS = 0.1
STOP_SECONDS = 12
# The kernel ends what this program started when the program itself is killed.
DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []


class Processes:
    """A context manager. All of one environment, whose `CHAOS_STACK` is theirs alone; each in a group of its own."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self.environment = dict(environment)
        self.restarts: Counter[str] = Counter()
        self._logs = logs
        self._commands: dict[str, list[str]] = {}
        self._without: dict[str, frozenset[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._due: dict[str, float] = {}
        self._order = threading.RLock()
        self._ending = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="processes", daemon=True)

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._watcher.join()
        for process in self._running.values():
            process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        # Whatever is left: children of what was killed before, too.
        while left := self.find(""):
            for pid in left:
                kill(pid)
            for process in self._running.values():
                process.poll()
            time.sleep(LOOK_SECONDS)

    def start(self, name: str, command: Sequence[str], *, without: Sequence[str] = ()) -> None:
        """Now, and again whenever it ends until `stop`; `without` these variables of the environment."""
        with self._order:
            self._commands[name] = list(command)
            self._without[name] = frozenset(without)
            self._launch(name)

    def run(self, command: Sequence[str]) -> None:
        """Once, to its end. Raises CalledProcessError."""
        with (self._logs / "run.log").open("ab") as log:
            subprocess.run(command, cwd=PROJECT, env=self.environment, stdout=log, stderr=log, check=True)

    def stop(self, name: str) -> None:
        """Kills it, and leaves it so."""
        with self._order:
            self._commands.pop(name)
            self._due.pop(name, None)
            process = self._running.pop(name)
            process.kill()
            process.wait()

    def find(self, words: str) -> list[int]:
        """The processes of this stack whose command lines have these words, the oldest first."""
        found = []
        for process in psutil.process_iter(["cmdline", "create_time", "status"]):
            line = " ".join(process.info["cmdline"] or ())
            if words in line and process.info["status"] != psutil.STATUS_ZOMBIE:
                with suppress(psutil.Error):
                    if process.environ().get(TOKEN) == self.environment[TOKEN]:
                        found.append((process.info["create_time"], process.pid))
        return [pid for _, pid in sorted(found)]

    def _watch(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            with self._order:
                for name, process in self._running.items():
                    if process.poll() is not None:
                        self._due.setdefault(name, time.monotonic() + RESTART_SECONDS)
                for name in [name for name, due in self._due.items() if time.monotonic() >= due]:
                    del self._due[name]
                    self.restarts[name] += 1
                    self._launch(name)

    def _launch(self, name: str) -> None:
        environment = {key: value for key, value in self.environment.items() if key not in self._without[name]}
        with (self._logs / f"{name}.log".replace(" ", "-")).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*DIE_WITH_PARENT, *self._commands[name]],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def kill(pid: int, *, group: bool = False) -> bool:
    """Whether there was such a process; `group`: with all that it leads."""
    with suppress(ProcessLookupError):
        if group:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
        return True
    return False
