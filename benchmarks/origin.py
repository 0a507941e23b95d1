"""The web site that photographs are fetched from and webhooks are sent to: a server in a process of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
START_SECONDS = 60
TEMP_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Origin:
    """A context manager; nginx where it is installed. A file is served under every series: `/s0/000.jpg`.

    Its log has a line for each request, from which `requests` counts.
    """

    def __init__(self, files: Path, work: Path) -> None:
        self.name = "nginx" if shutil.which("nginx") else "plain Python"
        self._files = files
        self._work = work
        self._port = free_port()
        self._log = work / "requests.log"
        self.url = f"http://{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def urls(self, names: list[str], count: int) -> list[str]:
        """`count` different addresses; a name comes again in another series when all have been used."""
        return [f"{self.url}/s{n // len(names)}/{names[n % len(names)]}" for n in range(count)]

    def requests(self) -> dict[str, int]:
        """How many of each method have been answered with 200 so far."""
        lines = self._log.read_text().splitlines()
        return {method: lines.count(f"{method} 200") for method in ("GET", "POST")}

    def __enter__(self) -> Self:
        self._log.touch()
        self._process = subprocess.Popen(self._command(), cwd=Path(__file__).parent.parent, stdin=subprocess.DEVNULL)
        wait_for_port(self._port, self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def _command(self) -> list[str]:
        if not shutil.which("nginx"):
            return [sys.executable, "-m", "benchmarks.plain_origin", str(self._files), str(self._port), str(self._log)]
        file = self._work / "nginx.conf"
        file.write_text(self._nginx_config())
        return ["nginx", "-p", str(self._work), "-c", str(file), "-e", str(self._work / "nginx-error.log")]

    def _nginx_config(self) -> str:
        folders = "\n".join(f"  {name}_temp_path {self._work}/{name};" for name in TEMP_FOLDERS)
        # Its workers would otherwise be somebody who may not read the home folder of root.
        user = "user root;" if os.geteuid() == 0 else ""
        return f"""
{user}
daemon off;
worker_processes 1;
pid {self._work}/nginx.pid;
error_log {self._work}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
{folders}
  types {{ image/jpeg jpg; image/png png; image/webp webp; }}
  sendfile on;
  log_format short '$request_method $status';
  access_log {self._log} short;
  server {{
    listen {LOOPBACK}:{self._port};
    root {self._files};
    location = /hook {{ return 200; }}
    location / {{ rewrite ^/s[0-9]+/(.*)$ /$1 break; }}
  }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Raises TimeoutError when nothing listens after a minute, or when the process has ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")
