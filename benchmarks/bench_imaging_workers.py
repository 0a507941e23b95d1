"""Imaging in worker processes beside imaging in threads: the steps of `ingest` without Prefect, interleaved; medians.

python -m benchmarks imaging_workers      BENCH_IMAGES=1000 and BENCH_ROUNDS=5
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.corpus import bench_home, corpus
from benchmarks.installation import Installation
from benchmarks.measuring import Spent, measured
from benchmarks.origin import Origin
from benchmarks.sizes import ROUNDS, size
from benchmarks.steps import KINDS, Steps, run_steps
from benchmarks.table import markdown_table

IMAGES = size("IMAGES", 1000, quick=20)
SMALL_BATCH = 8


@dataclass(frozen=True)
class Measurement:
    kind: str
    images: int
    steps: Steps
    spent: Spent


def measure(kind: str, urls: list[str], home: Path, origin: Origin) -> Measurement:
    installation = Installation(home, f"{origin.url}/hook")
    with measured({"origin": origin.pid}) as spent:
        steps = run_steps(installation, urls, kind)
    return Measurement(kind, len(urls), steps, spent)


def report(done: list[Measurement]) -> str:
    rows = []
    for images, kind in sorted({(each.images, each.kind) for each in done}):
        rounds = [each for each in done if (each.images, each.kind) == (images, kind)]
        seconds = median(each.steps.steps for each in rounds)
        cpu = median(each.spent.cpu for each in rounds)
        others = median(each.spent.others for each in rounds)
        rows.append([f"{images}", kind, f"{seconds:.2f}", f"{images / seconds:.1f}", f"{cpu:.1f}", f"{others:.0%}"])
    head = ["images", "imaging in", "seconds, first step to last", "images/s", "CPU s of all", "other programs"]
    return markdown_table(head, rows)


def main() -> None:
    files = corpus()
    done: list[Measurement] = []
    with TemporaryDirectory(dir=bench_home(), prefix=".run-") as work, Origin(files[0].parent, Path(work)) as origin:
        for number in range(ROUNDS):
            for count in (SMALL_BATCH, IMAGES):
                urls = origin.urls([file.name for file in files], count)
                for kind in KINDS:
                    done.append(measure(kind, urls, Path(work) / f"{kind}-{count}-{number}", origin))
                    print(f"round {number + 1}: {report(done[-1:]).splitlines()[-1]}", file=sys.stderr, flush=True)
        print(report(done))


if __name__ == "__main__":
    main()
