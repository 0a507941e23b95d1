"""A run starter for the runs of this process: where one is possible, started, asked whether it listens, ended."""

import os
import secrets
import socket
import subprocess
import sys
from typing import Self

from deployments.flow_run import ADDRESS, LONGEST_ANSWER


def is_possible() -> bool:
    """On Linux."""
    return hasattr(os, "pidfd_open") and hasattr(socket, "SOCK_SEQPACKET")


class OwnStarter:
    """One for the runs that this process starts, unless there is one already. `ensure` starts it again when it died."""

    def __init__(self) -> None:
        self._address = None if os.environ.get(ADDRESS) or not is_possible() else new_address()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._address:
            os.environ[ADDRESS] = self._address
        self.ensure()
        return self

    def ensure(self) -> None:
        if self._address and (self._process is None or self._process.poll() is not None):
            self._process = subprocess.Popen(starter_command(self._address), stdin=subprocess.DEVNULL)  # noqa: S603

    def __exit__(self, *_: object) -> None:
        if self._process:
            del os.environ[ADDRESS]
            self._process.terminate()
            self._process.wait()


def new_address() -> str:
    return f"sais-run-starter-{secrets.token_hex(8)}"


def starter_command(address: str) -> list[str]:
    return [sys.executable, "-m", "deployments.run_starter", address]


def wait_until_ready(address: str) -> None:
    """Who sends no order is turned away, as soon as somebody listens to orders. Raises OSError when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as starter:
        starter.connect(f"\0{address}")
        starter.send(b"no order")
        starter.recv(LONGEST_ANSWER)
