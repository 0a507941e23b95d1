"""What Prefect costs: a task run and a flow run, in the client and in its server, with SAIS' settings and with its own.

python -m benchmarks prefect      BENCH_TASKS=500, BENCH_FLOWS=20 and BENCH_ROUNDS=5
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import measured, tree_cpu
from benchmarks.prefect_server import QUIET_CPU, PrefectServer
from benchmarks.side_by_side import SideBySide
from benchmarks.sizes import QUICK, ROUNDS, size
from benchmarks.table import markdown_table
from deployments.environment import PROJECT, TUNED_SERVER

TASKS = size("TASKS", 500, quick=20)
FLOWS = size("FLOWS", 20, quick=2)
# With its defaults the server writes 500 task runs for half a minute; and it is never quite still on a busy machine.
SETTLE_SECONDS = size("SETTLE", 120, quick=0)

QUIET = {"DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED"}


@dataclass(frozen=True)
class Done:
    """CPU seconds of the client's process between its first run and its last, of the whole of it, and of the server."""

    client: float
    process: float
    server: float


def with_defaults(work: Path) -> PrefectServer:
    """A server with none of SAIS' settings for it, but for those that keep it from calling home."""
    server = PrefectServer(work)
    for name in TUNED_SERVER.keys() - QUIET:
        server.environment.pop(name, None)
    return server


def run(server: PrefectServer, flows: int, tasks: int) -> Done:
    """`flows` runs of `tasks` each, after one that warms up. The server's part is over when it is quiet again."""
    command = [sys.executable, "-m", "benchmarks.prefect_runs", str(flows), str(tasks)]
    settle(server)
    with measured({"server": server.pid}) as spent:
        done = subprocess.run(
            command, cwd=PROJECT, env=server.environment, capture_output=True, stdin=subprocess.DEVNULL, check=True
        )
        settle(server)
    return Done(float(json.loads(done.stdout.splitlines()[-1])), spent.cpu, spent.servers["server"])


def settle(server: PrefectServer) -> None:
    """Until it has done next to nothing for two seconds."""
    deadline, before = time.monotonic() + SETTLE_SECONDS, tree_cpu(server.pid)
    while time.monotonic() < deadline:
        time.sleep(2)
        now = tree_cpu(server.pid)
        if now - before < 2 * QUIET_CPU:
            return
        before = now


def report(done: SideBySide[Done], kinds: list[str]) -> str:
    def row(shown: str, what: str, number: int, client: Callable[[Done], float]) -> list[str]:
        sides = (client, lambda each: each.server)
        spent = [done.median(f"{what} {kind}", side) for kind in kinds for side in sides]
        return [shown, *(f"{1000 * each / number:.1f}" for each in spent)]

    head = ["CPU ms", *(f"{kind}, {side}" for kind in kinds for side in ("client", "server"))]
    rows = [
        row("a task run", "tasks", TASKS, lambda each: each.client),
        row("a flow run in a running process", "flows", FLOWS, lambda each: each.client),
        row("a process that starts, with one flow run and one task run", "process", 1, lambda each: each.process),
    ]
    counted = f"{TASKS} task runs in one flow run; {FLOWS} flow runs without tasks"
    return f"{counted}. {done.conditions}\n\n{markdown_table(head, rows)}"


def main() -> None:
    with TemporaryDirectory(prefix="sais-bench-") as name, ExitStack() as stack:
        makers: dict[str, Callable[[Path], PrefectServer]] = {"SAIS' settings": PrefectServer}
        if not QUICK:  # each server takes 20 s to start
            makers["Prefect's defaults"] = with_defaults
        servers: dict[str, PrefectServer] = {}
        for kind, make in makers.items():
            folder = Path(name) / f"server-{len(servers)}"
            folder.mkdir()
            servers[kind] = stack.enter_context(make(folder))
        ways: dict[str, Callable[[], Done]] = {}
        for kind, server in servers.items():
            ways[f"tasks {kind}"] = partial(run, server, 1, TASKS)
            ways[f"flows {kind}"] = partial(run, server, FLOWS, 0)
            ways[f"process {kind}"] = partial(run, server, 0, 0)
        print(report(SideBySide(ways, rounds=ROUNDS), list(servers)))


if __name__ == "__main__":
    main()
