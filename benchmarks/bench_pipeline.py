"""The whole `ingest` run beside the bare imaging loop, interleaved; medians of the rounds.

A round: the bare loop, a plain script that downloads as well, `ingest` under Prefect, the same URLs again, the same
steps without Prefect, and once more for the CPU by part.

python -m benchmarks pipeline      BENCH_IMAGES=2000 and BENCH_ROUNDS=5 are what it takes by default
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

from benchmarks.bare import Bare, bare_loop
from benchmarks.corpus import bench_home, corpus
from benchmarks.installation import PRESETS, Installation
from benchmarks.measuring import Spent, measured
from benchmarks.origin import Origin
from benchmarks.page_cache import forget_files
from benchmarks.plain_script import run_script
from benchmarks.prefect_server import PrefectServer, Run
from benchmarks.steps import ACCOUNTED, KINDS, Steps, run_steps
from benchmarks.table import markdown_table

ROUNDS = 5

Result = TypeVar("Result")


@dataclass(frozen=True)
class Round:
    """`*_spent` has the CPU of the process and of the origin."""

    bare: Bare
    script: float
    script_spent: Spent
    run: Run
    run_spent: Spent
    again: Run
    steps: Steps
    steps_spent: Spent
    accounted: Steps

    @property
    def run_cpu(self) -> float:
        return self.run.cpu + self.run.server

    @property
    def prefect_share(self) -> float:
        return (self.prefect_client + self.run.server) / self.run_cpu

    @property
    def prefect_client(self) -> float:
        """Of the processes alone: what pixels cost differs by more from run to run than all of Prefect. A run is
        forked with everything imported, so the start of Python is none of what it is compared with."""
        return self.run.own - (self.steps.own - self.steps.start)

    @property
    def others(self) -> float:
        return max(self.run_spent.others, self.steps_spent.others)


class Benchmark:
    """`images` photographs fetched from `origin`, worked on under `server`; each round in installations of its own."""

    def __init__(self, images: int, work: Path, origin: Origin, server: PrefectServer) -> None:
        self.work = work
        self.origin = origin
        self.server = server
        files = corpus()
        self.files = [files[n % len(files)] for n in range(images)]
        self.urls = origin.urls([file.name for file in files], images)

    def warm_up(self) -> None:
        """The first program that writes finds memory that was not used for long: see `forget_files`."""
        run_script(self.urls, self.work / "warm-up")

    def round(self, number: int) -> Round:
        bare = bare_loop(self.files)
        forget_files(self.work)
        # Its GETs are none of ingest's, so before these are counted.
        with measured({"origin": self.origin.pid}) as script_spent:
            script = run_script(self.urls, self.work / f"script-{number}")
        installation = self._installation(f"prefect-{number}")
        order = json.loads(installation.write_order(self.urls).read_text())
        with measured({"origin": self.origin.pid}) as run_spent:
            run = self._complete(installation, lambda: self.server.ingest(order, installation.environment))
        again = self._idle(installation, lambda: self.server.ingest(order, installation.environment))
        with measured({"origin": self.origin.pid}) as steps_spent:
            steps = self._steps(number, KINDS[0])
        accounted = self._steps(number, ACCOUNTED)
        return Round(bare, script, script_spent, run, run_spent, again, steps, steps_spent, accounted)

    def _steps(self, number: int, kind: str) -> Steps:
        installation = self._installation(f"{kind}-{number}")
        return self._complete(installation, lambda: run_steps(installation, self.urls, kind))

    def _installation(self, name: str) -> Installation:
        forget_files(self.work)
        return Installation(self.work / name, f"{self.origin.url}/hook")

    def _complete(self, installation: Installation, work: Callable[[], Result]) -> Result:
        """Raises AssertionError unless each image was fetched once, has all its files, and was called back for."""
        before = self.origin.requests()
        result = work()
        asked = {method: count - before[method] for method, count in self.origin.requests().items()}
        images = len(self.urls)
        assert asked == {"GET": images, "POST": images}, asked
        assert len(installation.files()) == images * (2 + len(PRESETS))
        return result

    def _idle(self, installation: Installation, work: Callable[[], Result]) -> Result:
        """Raises AssertionError when anything is downloaded, resized, archived or called back for."""
        requests, files = self.origin.requests(), installation.files()
        result = work()
        assert self.origin.requests() == requests, self.origin.requests()
        assert installation.files() == files
        return result


def report(rounds: list[Round], images: int, origin: str) -> str:
    """The table, and the shares that it gives."""

    def of(value: Callable[[Round], float]) -> float:
        return median(value(each) for each in rounds)

    bare_rate = of(lambda each: images / each.bare.seconds)

    def row(name: str, seconds: Callable[[Round], float], cpu: Callable[[Round], float] | None) -> list[str]:
        rate = of(lambda each: images / seconds(each))
        spent = [f"{of(cpu):.1f}", f"{1000 * of(cpu) / images:.1f}"] if cpu else ["", ""]
        return [name, f"{of(seconds):.1f}", f"{rate:.1f}", f"{rate / bare_rate:.2f}", *spent]

    idle = [
        "`ingest` again over the same URLs: no download, resize, archive or webhook",
        f"{of(lambda each: each.again.whole):.1f}",
        "",
        "",
        f"{of(lambda each: each.again.cpu + each.again.server):.1f}",
        "",
    ]
    table = markdown_table(
        ["", "seconds", "images/s", "of the bare loop", "CPU s", "CPU ms an image"],
        [
            row("bare imaging loop, one process for each core", lambda e: e.bare.seconds, lambda e: e.bare.cpu),
            row("plain script: download, same pixels, files", lambda e: e.script, lambda e: e.script_spent.cpu),
            row("`ingest` under Prefect, first task to last", lambda e: e.run.tasks, None),
            row("`ingest` under Prefect, whole process (and server)", lambda e: e.run.whole, lambda e: e.run_cpu),
            row("the same steps without Prefect, first to last", lambda e: e.steps.steps, None),
            row("the same steps without Prefect, whole process", lambda e: e.steps.whole, lambda e: e.steps_spent.cpu),
            idle,
        ],
    )
    names = rounds[0].accounted.parts
    parts = {name: of(lambda each, name=name: each.accounted.parts[name]) for name in names}  # type: ignore[misc]
    parts["Prefect client"] = of(lambda e: e.prefect_client)
    parts["Prefect server"] = of(lambda e: e.run.server)
    everything = sum(parts.values())
    by_part = markdown_table(
        ["part", "CPU ms an image", "of all"],
        [[name, f"{1000 * cpu / images:.2f}", f"{cpu / everything:.1%}"] for name, cpu in parts.items()],
    )
    return f"""{images} photographs of 1.5 megapixels, presets {" and ".join(PRESETS)}; origin: {origin};
{os.cpu_count()} cores; medians of {len(rounds)} rounds.

{table}

{by_part}

By part as counted in asyncio's loop, in a run of its own of the same steps; all else is on uvloop.

CPU spent in Prefect: {of(lambda e: e.prefect_share):.1%} (of {of(lambda e: e.run_cpu):.1f} s; \
the flow's process without its imaging workers {of(lambda e: e.run.own):.2f} s, the same steps' without Prefect \
{of(lambda e: e.steps.own - e.steps.start):.2f} s and {of(lambda e: e.steps.start):.2f} s for the start of Python; \
Prefect's server {of(lambda e: e.run.server):.2f} s).
Other programs had {of(lambda e: e.others):.0%} of the machine meanwhile."""


def main() -> None:
    images = int(os.environ.get("BENCH_IMAGES") or 2000)
    rounds = int(os.environ.get("BENCH_ROUNDS") or ROUNDS)
    folder = corpus()[0].parent
    with TemporaryDirectory(dir=bench_home(), prefix=".run-") as work, Origin(folder, Path(work)) as origin:
        with PrefectServer(Path(work)) as server:
            benchmark = Benchmark(images, Path(work), origin, server)
            benchmark.warm_up()
            done = []
            for number in range(rounds):
                done.append(benchmark.round(number))
                print(_line(number + 1, done[-1]), file=sys.stderr, flush=True)
        print(report(done, images, origin.name))


def _line(number: int, done: Round) -> str:
    images = done.bare.images
    rates = [images / seconds for seconds in (done.bare.seconds, done.run.tasks, done.steps.steps)]
    shown = "bare {:.1f}, ingest {:.1f}, steps {:.1f} images/s".format(*rates)
    return f"round {number}: {shown}; others {done.others:.0%}"


if __name__ == "__main__":
    main()
