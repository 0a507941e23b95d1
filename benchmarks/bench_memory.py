"""The memory of a worker's process for `ingest`, imaging workers included: does it grow with the batch?

python -m benchmarks memory      BENCH_FEW=2000, BENCH_IMAGES=20000 and BENCH_ROUNDS=5
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from benchmarks.corpus import bench_home, corpus
from benchmarks.installation import ACCOUNT, PRESETS, Installation
from benchmarks.origin import Origin
from benchmarks.peak import Peak, peak_memory
from benchmarks.prefect_server import PrefectServer
from benchmarks.side_by_side import SideBySide
from benchmarks.sizes import ROUNDS, size
from benchmarks.table import markdown_table

FEW = size("FEW", 2000, quick=20)
MANY = size("IMAGES", 20_000, quick=60)
# Small pictures, so that the rows are many and the pixels few.
PICTURES, SIDE = 40, 320


class Benchmark:
    """A fresh installation for each run."""

    def __init__(self, work: Path, origin: Origin, server: PrefectServer, names: list[str]) -> None:
        self._work, self._origin, self._server, self._names = work, origin, server, names
        self._numbers = count()

    def run(self, images: int) -> Peak:
        folder = self._work / f"run-{next(self._numbers)}"
        installation = Installation(folder, f"{self._origin.url}/hook")
        manifest = folder / "urls.csv"
        manifest.write_text("\n".join(["url", *self._origin.urls(self._names, images)]))
        order = {"account": ACCOUNT, "manifest": str(manifest), "presets": installation.presets}
        with peak_memory() as peak:
            self._server.ingest(order, installation.environment)
        assert len(installation.files()) == images * (2 + len(PRESETS)), "not every image has all its files"
        return peak


def make_pictures(folder: Path) -> list[str]:
    folder.mkdir()
    names = []
    for number, file in enumerate(corpus("jpg")[:PICTURES]):
        with Image.open(file) as picture:
            picture.thumbnail((SIDE, SIDE))
            names.append(f"{number:03d}.jpg")
            picture.save(folder / names[-1], quality=80)
    return names


def main() -> None:
    bench_home().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=bench_home(), prefix=".run-") as name:
        work = Path(name)
        names = make_pictures(work / "pictures")
        with Origin(work / "pictures", work) as origin, PrefectServer(work) as server:
            benchmark = Benchmark(work, origin, server, names)
            ways: dict[str, Callable[[], Peak]] = {
                f"{images:,} images": partial(benchmark.run, images) for images in (FEW, MANY)
            }
            done = SideBySide(ways, rounds=ROUNDS)
        rows = [
            [way, *(f"{done.median(way, value) / 1e6:.0f}" for value in (lambda p: p.largest, lambda p: p.together))]
            for way in ways
        ]
        print(f"`ingest` of pictures of {SIDE} pixels under Prefect. {done.conditions}\n")
        print(markdown_table(["peak MB", "largest process", "with its imaging workers"], rows))


if __name__ == "__main__":
    main()
