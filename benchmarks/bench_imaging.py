"""SAIS' decode-once cascade beside naive Pillow, pyvips and OpenCV: CPU, and how good the thumbs are.

python -m benchmarks imaging      BENCH_IMAGES=100 (JPEG), BENCH_COMPARED=25 (of each kind) and BENCH_ROUNDS=5
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.child import Child
from benchmarks.corpus import corpus
from benchmarks.imaging_order import MEDIUM, QUALITY, SMALL
from benchmarks.likeness import Likeness, likeness
from benchmarks.own_python import NotInstalled, own_python
from benchmarks.side_by_side import SideBySide
from benchmarks.sizes import ROUNDS, size
from benchmarks.table import markdown_table
from sais.pipeline.imaging_workers import worker_environment

IMAGES = size("IMAGES", 100, quick=4)
COMPARED = size("COMPARED", 25, quick=2)
PACKAGES = ["pyvips[binary]==3.2.0", "opencv-python-headless==5.0.0.93"]
KINDS = {"JPEG": "jpg", "PNG": "png", "WebP": "webp"}
NAIVE = "naive Pillow: a full decode for each thumb"


def open_ways(stack: ExitStack) -> dict[str, Child]:
    ways = {
        NAIVE: Child("benchmarks.pillow_imaging", "naive"),
        "SAIS, with blurhash, perceptual hash and colours": Child(
            "benchmarks.pillow_imaging", "sais", environment=worker_environment()
        ),
    }
    try:
        python = own_python("imaging", PACKAGES)
        ways["pyvips, thumbs only"] = Child("benchmarks.other_imaging", "pyvips", python=python)
        ways["OpenCV, thumbs only"] = Child("benchmarks.other_imaging", "opencv", python=python)
    except NotInstalled as error:
        print(f"pyvips and OpenCV: {error}")
    return {name: stack.enter_context(child) for name, child in ways.items()}


def quality(child: Child, files: list[Path], folder: Path) -> tuple[Likeness, Likeness]:
    """Of the pixels before they are encoded, and of the thumbs."""
    folder.mkdir()
    child.ask({"files": [str(file) for file in files], "keep": str(folder)})
    found = [
        [likeness((folder / file.name).with_suffix(suffix), file) for file in files] for suffix in (".png", ".webp")
    ]
    return Likeness.mean(found[0]), Likeness.mean(found[1])


def measure(ways: Mapping[str, Child], work: Path) -> str:
    files = {kind: corpus(extension)[:IMAGES] for kind, extension in KINDS.items()}
    asked: dict[str, Callable[[], Any]] = {
        f"{kind} {name}": partial(child.ask, {"files": [str(file) for file in files[kind]]})
        for kind in KINDS
        if files[kind]
        for name, child in ways.items()
    }
    done = SideBySide(asked, rounds=ROUNDS)
    rows = []
    for kind in (kind for kind in KINDS if files[kind]):
        count = len(files[kind])
        naive = done.median(f"{kind} {NAIVE}", lambda answer: answer["cpu"])
        for number, (name, child) in enumerate(ways.items()):
            pixels, thumbs = quality(child, files[kind][:COMPARED], work / f"{kind}-{number}")
            cpu = done.median(f"{kind} {name}", lambda answer: answer["cpu"])
            kilobytes = done.median(f"{kind} {name}", lambda answer: answer["bytes"]) / count / 1000
            shown = [f"{1000 * cpu / count:.1f}", f"{cpu / naive:.2f}", f"{pixels.ssim:.4f}", f"{pixels.psnr:.1f}"]
            rows.append([f"{kind}: {name}", *shown, f"{thumbs.ssim:.4f}", f"{thumbs.psnr:.1f}", f"{kilobytes:.1f}"])
    head = ["source: way", "CPU ms an image", "of naive", "SSIM", "PSNR dB", "SSIM encoded", "PSNR encoded", "KB"]
    counted = ", ".join(f"{len(files[kind])} {kind}" for kind in KINDS)
    return f"""{counted}; thumbs of {MEDIUM} and {SMALL} pixels, WebP quality {QUALITY}. Likeness and KB: of {MEDIUM},
against LANCZOS from a full decode: as pixels, and as they are once they are encoded. {done.conditions}

{markdown_table(head, rows)}"""


def main() -> None:
    with ExitStack() as stack, TemporaryDirectory(prefix="sais-bench-") as work:
        print(measure(open_ways(stack), Path(work)))


if __name__ == "__main__":
    main()
