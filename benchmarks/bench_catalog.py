"""The database's part of an image, on SQLite and PostgreSQL; and `ingest` again over URLs that are all known.

python -m benchmarks catalog      BENCH_ROWS=100000 and BENCH_ROUNDS=5; BENCH_PREFECT=0 leaves out `ingest`
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.cataloguing import KNOWN
from benchmarks.child import Child
from benchmarks.corpus import bench_home
from benchmarks.installation import ACCOUNT, Installation
from benchmarks.prefect_server import PrefectServer
from benchmarks.side_by_side import SideBySide
from benchmarks.sizes import ROUNDS, size
from benchmarks.table import markdown_table
from tests.support.postgres import PostgresServer, running_postgres

ROWS = size("ROWS", 100_000, quick=500)
WITH_PREFECT = bool(size("PREFECT", 1, quick=0))


@dataclass(frozen=True)
class Done:
    """`phases`: CPU seconds of the client and seconds by the clock; `again`: those of `ingest` over what is known."""

    phases: dict[str, tuple[float, float]]
    again: tuple[float, float] | None


class Benchmark:
    """A fresh installation for each run."""

    def __init__(self, work: Path, child: Child, server: PrefectServer | None) -> None:
        self._work, self._child, self._server = work, child, server
        self._numbers = count()
        self._urls = [f"http://127.0.0.1:9/{number:07d}.jpg" for number in range(ROWS)]
        self._manifest = work / "urls.csv"
        self._manifest.write_text("\n".join(["url", *self._urls]))

    def run(self, fresh_database: Callable[[], str] | None) -> Done:
        database_url = fresh_database() if fresh_database else None
        installation = Installation(self._work / f"run-{next(self._numbers)}", None, database_url=database_url)
        phases = self._child.ask({"database_url": installation.database_url, "urls": self._urls})
        return Done(phases, self._again(installation, self._server) if self._server else None)

    def _again(self, installation: Installation, server: PrefectServer) -> tuple[float, float]:
        order = {"account": ACCOUNT, "manifest": str(self._manifest), "presets": installation.presets}
        run = server.ingest(order, installation.environment)
        return run.cpu + run.server, run.whole


def ways_of(benchmark: Benchmark, postgres: PostgresServer | None) -> dict[str, Callable[[], Done]]:
    ways: dict[str, Callable[[], Done]] = {"SQLite": partial(benchmark.run, None)}
    if postgres:
        ways["PostgreSQL"] = partial(benchmark.run, postgres.fresh_database)
    return ways


def opened_postgres(stack: ExitStack) -> PostgresServer | None:
    try:
        return stack.enter_context(running_postgres())
    except RuntimeError as error:
        print(f"PostgreSQL is left out: {error}")
        return None


def report(done: SideBySide[Done]) -> str:
    def shown(name: str, phase: str, column: int) -> str:
        return f"{1000 * done.median(name, lambda each: each.phases[phase][column]) / ROWS:.3f}"

    def whole(name: str, column: int) -> str:
        """Without the second dispatch."""

        def spent(each: Done) -> float:
            return sum(phase[column] for what, phase in each.phases.items() if what != KNOWN)

        return f"{1000 * done.median(name, spent) / ROWS:.3f}"

    names = list(done.results)
    head = ["ms a row", *(f"{name}, {what}" for name in names for what in ("CPU of the client", "clock"))]
    phases = list(done.results[names[0]][0].phases)
    rows = [[phase, *(shown(name, phase, column) for name in names for column in (0, 1))] for phase in phases]
    rows.append(["all of it once", *(whole(name, column) for name in names for column in (0, 1))])
    lines = [f"{ROWS:,} images with two thumbs each. {done.conditions}", "", markdown_table(head, rows)]
    for name in names:
        again = [each.again for each in done.results[name] if each.again]
        if again:
            cpu, seconds = (median(each[column] for each in again) for column in (0, 1))
            lines += ["", f"`ingest` again over {ROWS:,} known URLs of a manifest, {name}, the whole process:"]
            lines[-1] += f" {seconds:.1f} s, {cpu:.1f} s of CPU with the Prefect server."
    return "\n".join(lines)


def main() -> None:
    bench_home().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=bench_home(), prefix=".run-") as name, ExitStack() as stack:
        work = Path(name)
        server = stack.enter_context(PrefectServer(work)) if WITH_PREFECT else None
        child = stack.enter_context(Child("benchmarks.cataloguing", "rows"))
        postgres = opened_postgres(stack)
        print(report(SideBySide(ways_of(Benchmark(work, child, server), postgres), rounds=ROUNDS)))


if __name__ == "__main__":
    main()
