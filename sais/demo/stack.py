"""The whole server as a child process, as `sais up` runs it: started, waited for, ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sais.client import SaisClient
from sais.demo.loopback import LOOPBACK, listening_socket
from sais.demo.signals import undisturbed
from sais.errors import InfrastructureError, SaisError, SettingsError
from sais.settings import Settings

EMBEDDED = (sys.executable, "-m", "deployments.embedded")
# Small chunks, so that 33 photographs show a progress that moves.
DEMO_CHUNK_IMAGES = "8"
READY_SECONDS = 180
POLL_SECONDS = 0.1
# The stack gives its own processes 10 s to end, so SIGTERM must come later than that.
ENDINGS = ((signal.SIGINT, 14.0), (signal.SIGTERM, 6.0), (signal.SIGKILL, 5.0))
LOG_LINES_SHOWN = 20


def gateway_port(settings: Settings) -> int:
    """The port of the settings, or a free one for 0; SettingsError when it is taken."""
    try:
        with listening_socket(settings.port) as free:
            return int(free.getsockname()[1])
    except SettingsError as error:
        raise SettingsError(
            f"port {settings.port} is taken: end what listens there, or set SAIS_PORT", field="SAIS_PORT"
        ) from error


def stack_environment(settings: Settings, port: int, environment: Mapping[str, str]) -> dict[str, str]:
    """What the caller's environment says, plus what the demo needs: its own machine may be fetched from."""
    hosts = dict.fromkeys((*settings.allow_hosts, LOOPBACK))
    return {
        "SAIS_CHUNK_IMAGES": DEMO_CHUNK_IMAGES,
        "SAIS_PUBLIC_URL": f"http://{LOOPBACK}:{port}",
        "PYTHONUNBUFFERED": "1",
        **environment,
        "SAIS_HOME": str(settings.home),
        "SAIS_PORT": str(port),
        "SAIS_ALLOW_HOSTS": ",".join(hosts),
    }


class Stack:
    """A context manager around the child. It has a process group of its own: Ctrl-C reaches it only through us.

    Its output goes to `log`, so that it does not run through the demo's table.
    """

    def __init__(self, log: Path, environment: Mapping[str, str], command: Sequence[str] = EMBEDDED) -> None:
        self.log = log
        self._command = command
        self._environment = environment

    def __enter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603 (our own interpreter)
                self._command,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with undisturbed():
            self.stop()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._child.poll()

    def wait_until_ready(self, url: str, timeout: float = READY_SECONDS) -> None:
        """Asks the gateway at `url` until everything is up.

        InfrastructureError, with the child's last words, when it ends or `timeout` seconds are over.
        """
        deadline = time.monotonic() + timeout
        with SaisClient(url, timeout=5, trust_env=False) as client:
            while not is_ready(client):
                self.check()
                if time.monotonic() > deadline:
                    raise InfrastructureError(f"not ready after {timeout:.0f} s\n{self._last_words()}")
                time.sleep(POLL_SECONDS)
        self.check()

    def check(self) -> None:
        """InfrastructureError when the child has ended."""
        code = self._child.poll()
        if code is not None:
            raise InfrastructureError(f"the stack ended with code {code}\n{self._last_words()}")

    def wait(self) -> None:
        """Until the child ends, which is an InfrastructureError, or the caller is interrupted."""
        self._child.wait()
        self.check()

    def stop(self, endings: Sequence[tuple[signal.Signals, float]] = ENDINGS) -> None:
        """Ends the child and what it started in its group, and waits for them."""
        for ending, seconds in endings:
            if self._gone_after(ending, seconds):
                return

    def _gone_after(self, ending: signal.Signals, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, ending)
        while not self._gone():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS / 2)
        return True

    def _gone(self) -> bool:
        """Also the children of the child: the group is there as long as one of them is."""
        if self._child.poll() is None:
            return False
        try:
            os.killpg(self._child.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join([*lines[-LOG_LINES_SHOWN:], f"(all of it: {self.log})"])


def is_ready(client: SaisClient) -> bool:
    """Everything is up, the worker too; while it starts, no answer or another one is what to expect."""
    try:
        status = client.status()
    except SaisError:
        return False
    return status.get("status") == "okay" and status.get("worker") is True
