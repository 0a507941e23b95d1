"""The same work as img2dataset's: from a URL to one picture of 512 pixels and a row about it, by two processes.

python -m benchmarks img2dataset      BENCH_IMAGES=2000, BENCH_COMPARED=40, BENCH_ROUNDS=5, BENCH_PREFECT=1
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.corpus import bench_home, corpus
from benchmarks.img2dataset import PACKAGES, PROCESSES, images_of, run_img2dataset
from benchmarks.installation import ACCOUNT, Installation
from benchmarks.likeness import Likeness, likeness
from benchmarks.measuring import Spent, measured
from benchmarks.origin import Origin
from benchmarks.own_python import NotInstalled, own_python
from benchmarks.page_cache import forget_files
from benchmarks.prefect_server import PrefectServer
from benchmarks.side_by_side import SideBySide
from benchmarks.sizes import ROUNDS, size
from benchmarks.steps import run_steps
from benchmarks.table import markdown_table
from sais.addressing import code_of, thumb_path
from sais.catalog.database import open_database, reading
from sais.catalog.media import find_media
from sais_models import PresetSettings, ThumbFormat

IMAGES = size("IMAGES", 2000, quick=20)
COMPARED = size("COMPARED", 40, quick=4)
WITH_PREFECT = bool(size("PREFECT", 1, quick=0))
SIDE = 512
JPEG = PresetSettings(name="dataset", width=SIDE, height=SIDE, format=ThumbFormat.JPEG, quality=95)
WEBP = PresetSettings(name="dataset", width=SIDE, height=SIDE, format=ThumbFormat.WEBP, quality=68)


@dataclass(frozen=True)
class Done:
    """`work` and `whole` in seconds; `images` by URL, where they can be looked at one by one."""

    work: float
    whole: float
    spent: Spent
    images: dict[str, Path]

    @property
    def cpu(self) -> float:
        return self.spent.cpu


class Benchmark:
    """Every run is in a fresh folder under `work`."""

    def __init__(self, work: Path, origin: Origin) -> None:
        self._work = work
        self._numbers = count()
        self._files = {file.name: file for file in corpus()}
        self._urls = origin.urls(list(self._files), IMAGES)

    def sais(self, preset: PresetSettings) -> Done:
        installation = self._installation(preset)
        with measured({}) as spent:
            steps = run_steps(installation, self._urls)
        return Done(steps.images, steps.whole, spent, self._thumbs(installation, preset))

    def sais_under_prefect(self, server: PrefectServer, preset: PresetSettings) -> Done:
        installation = self._installation(preset)
        order = json.loads(installation.write_order(self._urls).read_text())
        with measured({}) as spent:
            run = server.ingest(order, installation.environment)
        spent.cpu = run.cpu + run.server
        return Done(run.images, run.whole, spent, self._thumbs(installation, preset))

    def img2dataset(self, python: Path, output_format: str, preset: PresetSettings) -> Done:
        folder = self._folder()
        encode = {ThumbFormat.JPEG: "jpg", ThumbFormat.WEBP: "webp"}[preset.format]
        with measured({}) as spent:
            run = run_img2dataset(
                python,
                self._urls,
                folder,
                side=SIDE,
                output_format=output_format,
                encode=encode,
                quality=preset.quality,
            )
        return Done(run.work, run.whole, spent, images_of(folder, encode) if output_format == "files" else {})

    def look(self, images: dict[str, Path]) -> tuple[Likeness, float] | None:
        """How like the originals the first of these are, and the mean bytes of all."""
        if not images:
            return None
        shown = [likeness(images[url], self._files[url.rpartition("/")[2]]) for url in self._urls[:COMPARED]]
        return Likeness.mean(shown), sum(file.stat().st_size for file in images.values()) / len(images)

    def _installation(self, preset: PresetSettings) -> Installation:
        installation = Installation(self._folder(), None, presets=[preset])
        installation.environment["SAIS_IMAGING_WORKERS"] = str(PROCESSES)
        return installation

    def _folder(self) -> Path:
        forget_files(self._work)
        return self._work / f"run-{next(self._numbers)}"

    def _thumbs(self, installation: Installation, preset: PresetSettings) -> dict[str, Path]:
        """Raises KeyError or FileNotFoundError when one is missing."""
        codes = {url: code_of(url, ACCOUNT) for url in self._urls}
        engine = open_database(installation.database_url)
        with reading(engine) as connection:
            media = find_media(connection, codes.values())
        engine.dispose()
        cache = installation.home / "cache"
        thumbs = {url: cache / thumb_path(preset.name, media[code].path or "") for url, code in codes.items()}
        for thumb in thumbs.values():
            thumb.stat()
        return thumbs


def ways_of(benchmark: Benchmark, stack: ExitStack, work: Path) -> dict[str, Callable[[], Done]]:
    """By format, and who does it."""
    ways: dict[str, Callable[[], Done]] = {}
    formats = {"JPEG q95": JPEG, "WebP q68": WEBP}
    try:
        python = own_python("img2dataset", PACKAGES)
        for kind, preset in formats.items():
            ways[f"{kind}: img2dataset 1.47.0, a file each"] = partial(benchmark.img2dataset, python, "files", preset)
            shards = partial(benchmark.img2dataset, python, "webdataset", preset)
            ways[f"{kind}: img2dataset 1.47.0, in tar files"] = shards
    except NotInstalled as error:
        print(f"img2dataset: {error}")
    for kind, preset in formats.items():
        ways[f"{kind}: SAIS without Prefect"] = partial(benchmark.sais, preset)
    if WITH_PREFECT:
        server = stack.enter_context(PrefectServer(work))
        ways["JPEG q95: `ingest` under Prefect"] = partial(benchmark.sais_under_prefect, server, JPEG)
    return ways


def report(benchmark: Benchmark, done: SideBySide[Done], origin: str) -> str:
    """Ratios are to the quickest img2dataset of the same format."""
    rates = {way: IMAGES / done.median(way, lambda each: each.work) for way in done.results}
    rows = []
    for way, results in sorted(done.results.items()):
        theirs = f"{way.partition(':')[0]}: img2dataset"
        known = [rate for name, rate in rates.items() if name.startswith(theirs)]
        whole = IMAGES / done.median(way, lambda each: each.whole)
        cpu = 1000 * done.median(way, lambda each: each.cpu) / IMAGES
        ratio = f"{rates[way] / max(known):.2f}" if known else ""
        looked = benchmark.look(results[-1].images)
        shown = [f"{looked[0].ssim:.4f}", f"{looked[1] / 1000:.1f}"] if looked else ["", ""]
        rows.append([way, f"{rates[way]:.1f}", ratio, f"{whole:.1f}", f"{cpu:.1f}", *shown])
    head = ["", "images/s", "ratio", "images/s with start and end", "CPU ms an image", "SSIM", "KB"]
    return f"""{IMAGES} photographs, one picture of {SIDE} pixels of each, {PROCESSES} processes; origin: {origin}.
SAIS also archives every original. images/s: from the first download to the last file (img2dataset: from the start of
the first shard to the end of the last); SSIM: against LANCZOS from a full decode; ratio: to the quickest img2dataset
of the same format.
{done.conditions}

{markdown_table(head, rows)}"""


def main() -> None:
    folder = corpus()[0].parent
    with TemporaryDirectory(dir=bench_home(), prefix=".run-") as name, ExitStack() as stack:
        work = Path(name)
        origin = stack.enter_context(Origin(folder, work))
        benchmark = Benchmark(work, origin)
        done = SideBySide(ways_of(benchmark, stack, work), rounds=ROUNDS)
        print(report(benchmark, done, origin.name))


if __name__ == "__main__":
    main()
