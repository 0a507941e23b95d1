"""340 different photographs of 0.5 to 4 megapixels, the same bytes on each machine with one Pillow and numpy.

    python -m benchmarks.corpus

Nine in ten are JPEG, most of those with 4:2:0 subsampling and some progressive; the rest are PNG and WebP. They are
parts of the colour photographs bundled with scikit-image (sais/demo/sources.py has authors and licences), enlarged. An
enlarged photograph has no fine detail left; grain, as a sensor's, gives the file the bytes of a real one.
"""

import math
import os
import random
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from benchmarks.sizes import size
from sais.demo.sources import picture_path

# Raised whenever the bytes change, so that nothing of an older corpus is taken for this one.
VERSION = 2
PHOTOGRAPHS = size("PHOTOGRAPHS", 340, quick=20)
SOURCES = ("astronaut", "chelsea", "coffee", "hubble", "retina", "rocket", "tissue")
SHAPES = (3 / 2, 2 / 3, 4 / 3, 3 / 4, 16 / 9, 1.0)
# Megapixels: their median, how far they scatter (of the logarithm), and the bounds. The mean is 1.5.
MEDIAN, SCATTER, SMALLEST, LARGEST = 1.3, 0.5, 0.5, 4.0
SMALLEST_PART = 0.6  # of the source: with less even a medium thumb would be an enlargement
GRAIN = 4.0  # standard deviation of the lightness, 0 to 255
JPEG_QUALITIES = (75, 80, 80, 85)
SEED = 20_26


def bench_home() -> Path:
    """`SAIS_BENCH_HOME`, else a folder in the user's cache; never in the repository."""
    return Path(os.environ.get("SAIS_BENCH_HOME") or Path.home() / ".cache" / "sais-bench").absolute()


def corpus(*extensions: str) -> list[Path]:
    """The photographs' files, all in one folder; with `extensions` (`jpg`, `png`, `webp`) only those.

    Made at the first call: about 60 CPU seconds. The folder appears whole.
    """
    folder = bench_home() / f"photographs-v{VERSION}-{PHOTOGRAPHS}"
    if not folder.is_dir():
        bench_home().mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(dir=bench_home(), prefix=".photographs-"))
        try:
            sources = [_opened(name) for name in SOURCES]
            for number in range(PHOTOGRAPHS):
                _save(_photograph(sources, number), partial, number)
            _make_whole(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    files = sorted(folder.iterdir())
    return [file for file in files if not extensions or file.suffix[1:] in extensions]


def _make_whole(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another benchmark was quicker, with the same photographs
            raise


def _save(photograph: Image.Image, folder: Path, number: int) -> None:
    """A number always gets the same format, so that a small corpus is the beginning of a large one."""
    choice = random.Random(f"{SEED}-file-{number}")
    kind = {5: "png", 15: "webp"}.get(number % 20, "jpg")
    options: dict[str, dict[str, Any]] = {
        "jpg": {
            "quality": choice.choice(JPEG_QUALITIES),
            "subsampling": "4:4:4" if choice.random() < 0.1 else "4:2:0",
            "progressive": choice.random() < 0.15,
        },
        "png": {"compress_level": 6},
        "webp": {"quality": 80, "method": 4},
    }
    photograph.save(folder / f"{number:03d}.{kind}", **options[kind])


def _photograph(sources: list[Image.Image], number: int) -> Image.Image:
    choice = random.Random(f"{SEED}-{number}")
    pixels = 1e6 * min(LARGEST, max(SMALLEST, MEDIAN * math.exp(choice.gauss(0, SCATTER))))
    shape = choice.choice(SHAPES)
    height = math.sqrt(pixels / shape)
    part = _part(sources[number % len(sources)], (round(height * shape), round(height)), choice)
    part = ImageEnhance.Brightness(part).enhance(choice.uniform(0.85, 1.1))
    part = ImageEnhance.Color(part).enhance(choice.uniform(0.7, 1.2))
    return _grained(part, np.random.default_rng(SEED + number))


def _opened(name: str) -> Image.Image:
    with Image.open(picture_path(name)) as picture:
        return picture.convert("RGB")


def _part(source: Image.Image, wanted: tuple[int, int], choice: random.Random) -> Image.Image:
    """A part of the source in the shape of `wanted`, somewhere, perhaps mirrored."""
    scale = min(source.width / wanted[0], source.height / wanted[1]) * choice.uniform(SMALLEST_PART, 1)
    width, height = scale * wanted[0], scale * wanted[1]
    left, top = choice.uniform(0, source.width - width), choice.uniform(0, source.height - height)
    part = source.resize(wanted, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if choice.random() < 0.5 else part


def _grained(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    grain = generator.standard_normal((picture.height, picture.width, 1), dtype=np.float32) * GRAIN
    return Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    files = corpus()
    print(f"{len(files)} photographs, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB, in {files[0].parent}")
