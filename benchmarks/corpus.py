"""200 different JPEG photographs of 1.5 megapixels, the same bytes on each machine with one Pillow and numpy.

    python -m benchmarks.corpus

They are parts of the colour photographs bundled with scikit-image (sais/demo/sources.py has authors and licences),
enlarged. An enlarged photograph has no fine detail left; grain, as a sensor's, gives the file the bytes of a real one.
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from PIL import Image

from sais.demo.sources import picture_path

PHOTOGRAPHS = 200
SOURCES = ("astronaut", "chelsea", "coffee", "hubble", "retina", "rocket", "tissue")
SHAPES = ((1500, 1000), (1000, 1500), (1414, 1060), (1060, 1414))
SMALLEST_PART = 0.6  # of the source: with less even a medium thumb would be an enlargement
GRAIN = 4.0  # standard deviation of the lightness, 0 to 255
QUALITY = 80
SEED = 20_24


def bench_home() -> Path:
    """`SAIS_BENCH_HOME`, else a folder in the user's cache; never in the repository."""
    return Path(os.environ.get("SAIS_BENCH_HOME") or Path.home() / ".cache" / "sais-bench").absolute()


def corpus() -> list[Path]:
    """The photographs' files, made at the first call: about 20 CPU seconds. The folder appears whole."""
    folder = bench_home() / f"photographs-{PHOTOGRAPHS}-{SEED}"
    if not folder.is_dir():
        bench_home().mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(dir=bench_home(), prefix=".photographs-"))
        try:
            for number, photograph in enumerate(photographs()):
                photograph.save(partial / f"{number:03d}.jpg", quality=QUALITY, subsampling="4:2:0")
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return sorted(folder.glob("*.jpg"))


def photographs() -> Iterator[Image.Image]:
    choice = random.Random(SEED)
    sources = [_opened(name) for name in SOURCES]
    for number in range(PHOTOGRAPHS):
        part = _part(sources[number % len(sources)], SHAPES[number // len(sources) % len(SHAPES)], choice)
        yield _grained(part, np.random.default_rng(SEED + number))


def _opened(name: str) -> Image.Image:
    with Image.open(picture_path(name)) as picture:
        return picture.convert("RGB")


def _part(source: Image.Image, size: tuple[int, int], choice: random.Random) -> Image.Image:
    """A part of the source in the shape of `size`, somewhere, perhaps mirrored."""
    scale = min(source.width / size[0], source.height / size[1]) * choice.uniform(SMALLEST_PART, 1)
    width, height = scale * size[0], scale * size[1]
    left, top = choice.uniform(0, source.width - width), choice.uniform(0, source.height - height)
    part = source.resize(size, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if choice.random() < 0.5 else part


def _grained(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    grain = generator.standard_normal((picture.height, picture.width, 1), dtype=np.float32) * GRAIN
    return Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    files = corpus()
    print(f"{len(files)} photographs, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB, in {files[0].parent}")
