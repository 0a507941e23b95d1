"""What Prefect costs: a task run and a flow run, in the client and in its server, with SAIS' settings and with its own.

python -m benchmarks prefect      BENCH_TASKS=500, BENCH_FLOWS=20 and BENCH_ROUNDS=5
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import tree_cpu
from benchmarks.prefect_server import PrefectServer
from benchmarks.side_by_side import SideBySide
from benchmarks.sizes import ROUNDS, size
from benchmarks.table import markdown_table
from deployments.environment import PROJECT, TUNED_SERVER

TASKS = size("TASKS", 500, quick=20)
FLOWS = size("FLOWS", 20, quick=2)


@dataclass(frozen=True)
class Done:
    """CPU seconds."""

    client: float
    server: float


def with_defaults(work: Path) -> PrefectServer:
    """A server with none of SAIS' settings for it."""
    server = PrefectServer(work)
    for name in TUNED_SERVER:
        server.environment.pop(name, None)
    return server


def run(server: PrefectServer, flows: int, tasks: int) -> Done:
    """The server's part is over when it is quiet again."""
    command = [sys.executable, "-m", "benchmarks.prefect_runs", str(flows), str(tasks)]
    server.settle()
    before = tree_cpu(server.pid)
    done = subprocess.run(
        command, cwd=PROJECT, env=server.environment, capture_output=True, stdin=subprocess.DEVNULL, check=True
    )
    server.settle()
    return Done(float(json.loads(done.stdout.splitlines()[-1])), tree_cpu(server.pid) - before)


def main() -> None:
    with TemporaryDirectory(prefix="sais-bench-") as name, ExitStack() as stack:
        folders = {kind: Path(name) / kind for kind in ("ours", "defaults")}
        for folder in folders.values():
            folder.mkdir()
        servers = {
            "SAIS' settings": stack.enter_context(PrefectServer(folders["ours"])),
            "Prefect's defaults": stack.enter_context(with_defaults(folders["defaults"])),
        }
        ways: dict[str, Callable[[], Done]] = {}
        for kind, server in servers.items():
            ways[f"tasks {kind}"] = partial(run, server, 1, TASKS)
            ways[f"flows {kind}"] = partial(run, server, FLOWS, 0)
        done = SideBySide(ways, rounds=ROUNDS)
        head = ["CPU ms", *(f"{kind}, {side}" for kind in servers for side in ("client", "server"))]
        rows = []
        for shown, what, number in (
            ("a task run", "tasks", TASKS),
            ("a flow run in a running process", "flows", FLOWS),
        ):
            medians = [
                done.median(f"{what} {kind}", value)
                for kind in servers
                for value in (lambda d: d.client, lambda d: d.server)
            ]
            rows.append([shown, *(f"{1000 * each / number:.1f}" for each in medians)])
        print(f"{TASKS} task runs in one flow run, {FLOWS} flow runs without tasks. {done.conditions}\n")
        print(markdown_table(head, rows))


if __name__ == "__main__":
    main()
