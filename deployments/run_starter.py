"""A process that has imported all that a run needs, and forks for each (decisions/0034).

python -m deployments.run_starter ADDRESS      see `flow_run.run_by_starter`, which asks it
"""

import atexit
import ctypes
import json
import os
import selectors
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from deployments.environment import PROJECT
from deployments.flow_run import ADDRESS, FORWARDED, LONGEST_ANSWER, STANDARD_STREAMS, TAKEN, run_engine
from deployments.preloading import preload
from deployments.run_settings import RunSettings, changed

# Read when modules are imported: a run for which they differ is started in the slow way.
IMPORTED_WITH = ("SAIS_", "PYTHON")
LONGEST_ORDER = 2**20
# Who connects sends its order at once.
ORDER_SECONDS = 5
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Order:
    """The process that a run is to be: its environment, working folder, niceness and standard streams."""

    environment: dict[str, str]
    folder: str
    nice: int
    streams: list[int]

    @classmethod
    def receive(cls, connection: socket.socket) -> "Order":
        """Raises OSError, TypeError or ValueError when none comes."""
        words, streams, _, _ = socket.recv_fds(connection, LONGEST_ORDER, len(STANDARD_STREAMS))
        try:
            return cls(**json.loads(words), streams=streams)
        except (TypeError, ValueError):
            _close(streams)
            raise

    def surround(self) -> None:
        """Gives this process its environment and its folder. Raises OSError when there is no such folder."""
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)

    def become(self) -> None:
        """In the process that was forked for it."""
        for number, stream in zip(STANDARD_STREAMS, self.streams, strict=True):
            os.dup2(stream, number)
        _close(self.streams)
        os.setpriority(os.PRIO_PROCESS, 0, self.nice)
        # It is executed as the main module, and would warn that it is there already.
        sys.modules.pop("prefect.engine", None)


@dataclass(frozen=True)
class Run:
    """A process, and who waits for its end."""

    process: int
    handle: int
    client: socket.socket


class Starter:
    """Listens from the beginning; who comes while modules are imported waits less than they would take it."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(f"\0{address}")
        self._listener.listen()
        self._runs: dict[int, Run] = {}
        self._ending = False
        self._selector = selectors.DefaultSelector()
        self._woken, self._alarm = socket.socketpair()
        self._alarm.setblocking(False)
        self._newest = 0.0
        self._settings = RunSettings()

    def serve(self) -> Order | None:
        """Until SIGTERM or SIGINT, and until its runs have ended. In a process that was forked: what that is to be."""
        self._newest = newest_source()
        self._watch(self._listener, self._take)
        self._watch(self._woken, self._wake)
        signal.set_wakeup_fd(self._alarm.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)
        while self._runs or not self._ending:
            for key, _ in self._selector.select():
                order = key.data()
                if order is not None:
                    self._forget()
                    return order  # type: ignore[no-any-return]
        return None

    def _told(self, number: int, frame: FrameType | None) -> None:
        self._ending = True

    def _wake(self) -> None:
        self._woken.recv(LONGEST_ANSWER)
        if self._ending and self._listener.fileno() >= 0:
            self._selector.unregister(self._listener)
            self._listener.close()

    def _watch(self, source: socket.socket | int, heard: Callable[[], Order | None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, heard)

    def _take(self) -> Order | None:
        """Who is turned away starts the run itself."""
        if self._ending:
            return None
        client, _ = self._listener.accept()
        client.settimeout(ORDER_SECONDS)
        try:
            order = Order.receive(client) if _is_own(client) else None
        except (OSError, TypeError, ValueError):
            order = None
        if order is None:
            client.close()
            return None
        if not self._suits(order) or not self._prepare(order):
            client.close()
            _close(order.streams)
            return None
        sys.stdout.flush()
        sys.stderr.flush()
        starter = os.getpid()
        # Until the new process has handlers of its own: one that came in between would be taken for the starter's.
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        try:
            process = os.fork()
        except OSError:  # no memory, or no more processes: the runs under way must not end for it
            signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
            client.close()
            _close(order.streams)
            return None
        if not process:
            die_with_parent(signal.SIGKILL, starter)
            client.close()
            return order
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        _close(order.streams)
        run = Run(process, os.pidfd_open(process), client)
        self._runs[run.process] = run
        self._watch(run.handle, lambda: self._ended(run))
        self._watch(client, lambda: self._pass_on(run))
        with suppress(OSError):
            client.send(TAKEN)
        return None

    def _suits(self, order: Order) -> bool:
        """Whether its modules would be the same, had it imported them itself."""
        return _imported_with(order.environment) == _imported_with(os.environ) and newest_source() == self._newest

    def _prepare(self, order: Order) -> bool:
        """All but its streams and niceness. False where it cannot be: the run will say itself what is wrong."""
        try:
            order.surround()
            self._settings.read()
        except Exception:  # whatever Prefect finds wrong, the runs under way must not end for it
            return False
        return True

    def _pass_on(self, run: Run) -> None:
        """A signal for the run; none: who started it was killed."""
        if run.process not in self._runs:  # it ended in this moment
            return
        try:
            number = run.client.recv(1)
        except OSError:
            number = b""
        if not number:
            self._selector.unregister(run.client)
        with suppress(OSError):  # it has just ended, or there is no such signal
            signal.pidfd_send_signal(run.handle, number[0] if number else signal.SIGKILL)

    def _ended(self, run: Run) -> None:
        _, status = os.waitpid(run.process, 0)
        with suppress(OSError):
            run.client.send(str(os.waitstatus_to_exitcode(status)).encode())
        with suppress(KeyError):
            self._selector.unregister(run.client)
        self._selector.unregister(run.handle)
        run.client.close()
        os.close(run.handle)
        del self._runs[run.process]

    def _forget(self) -> None:
        """In a process that was forked: the rest is the starter's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        self._selector.close()
        for run in self._runs.values():
            run.client.close()
            os.close(run.handle)
        for each in (self._listener, self._woken, self._alarm):
            each.close()


def _close(streams: list[int]) -> None:
    for stream in streams:
        os.close(stream)


def newest_source() -> float:
    """When the code of this project that is imported was last changed: a run of newer code imports it itself."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    own = {file for file in files if file and Path(file).is_relative_to(PROJECT) and "site-packages" not in file}
    return max(changed(file) for file in own)


def _imported_with(environment: dict[str, str] | os._Environ[str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(IMPORTED_WITH) and name != ADDRESS}


def _is_own(client: socket.socket) -> bool:
    """An abstract socket has no permissions: whoever is on this machine may connect."""
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", credentials)[1] == os.getuid())


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Also when that is killed; at once, when it has ended already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _run() -> int:
    """Its exit code."""
    try:
        run_engine()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        raise
    return 0


def end_at_once(code: int) -> NoReturn:
    """As Python ends, but for taking apart all that was imported: 0.12 s of CPU, and 60 MB that the starter shared."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with suppress(OSError):  # nobody reads it any more; the run ends as it has ended
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def main() -> None:
    die_with_parent(signal.SIGTERM, os.getppid())
    starter = Starter(sys.argv[1])
    preload()
    order = starter.serve()
    if order is not None:
        order.become()
        end_at_once(_run())


if __name__ == "__main__":
    main()
