"""One picture into all its thumbs and hashes."""

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from sais.errors import FileMissing, StorageError
from sais.imaging.encoding import MIME_TYPES, encode, output_format
from sais.imaging.exif import displayed_size
from sais.imaging.geometry import Fit, Size, fit, fit_inside
from sais.imaging.opening import open_picture, pillow_errors
from sais.imaging.placeholders import SIDE, Sample, dominant_colors, encode_blurhash, perceptual_hash
from sais.imaging.png_inflation import inflated
from sais.imaging.scaling import cascade, decode

if TYPE_CHECKING:  # see geometry
    from sais_models import PresetSettings

# Without presets there are still hashes to make.
_HASH_BOX = (2 * SIDE, 2 * SIDE)


@dataclass(frozen=True)
class RenderedThumb:
    """One encoded thumb: the preset's name, the hash of its settings, the bytes (none where they are in a file
    already), how many they are, and the sides in pixels."""

    preset: str
    recipe: str
    data: bytes
    size: int
    mime_type: str
    width: int
    height: int


@dataclass(frozen=True)
class Rendition:
    """`thumbs` in the order of the presets; `phash` 16 hex digits; `colors` up to five `#rrggbb`, the commonest first;
    `timings` CPU seconds of this thread for decode, resize, encode and hash."""

    thumbs: list[RenderedThumb]
    blurhash: str
    phash: str
    colors: list[str]
    timings: dict[str, float]


def render(source: Path | bytes, presets: "Sequence[PresetSettings]", *, max_pixels: int) -> Rendition:
    """Make all thumbs, the blurhash, the perceptual hash and the colours of one picture.

    Raises NotAnImage (`not_image`), TooBig (`too_many_pixels`), CorruptImage (`corrupt`, also when truncated),
    TransientMediaError (`out_of_memory`), FileMissing, StorageError.
    """
    timings: dict[str, float] = {}
    with pillow_errors():
        with _cpu_seconds(timings, "decode"):
            picture = open_picture(io.BytesIO(inflated(_read(source))), max_pixels=max_pixels)
            shape = displayed_size(picture)
            fits = [fit(shape, preset) for preset in presets]
            sizes = _largest_first(fits) or [fit_inside(shape, _HASH_BOX)]
            decoded = decode(picture, sizes[0])
        with _cpu_seconds(timings, "resize"):
            levels = cascade(decoded, sizes)
        with _cpu_seconds(timings, "encode"):
            thumbs = [
                _thumb(_cut(levels, wanted), preset, picture.format or "")
                for wanted, preset in zip(fits, presets, strict=True)
            ]
        with _cpu_seconds(timings, "hash"):
            sample = Sample.of(_smallest_for_hashes(levels))
            blurhash = encode_blurhash(sample.pixels)
            phash = perceptual_hash(sample.pixels)
            colors = dominant_colors(sample)
    return Rendition(thumbs, blurhash, phash, colors, timings)


@contextmanager
def _cpu_seconds(timings: dict[str, float], step: str) -> Iterator[None]:
    """This thread's CPU, not the clock: a busy machine or a neighbour thread must not look like a slow picture."""
    start = time.thread_time()
    yield
    timings[step] = time.thread_time() - start


def _read(source: Path | bytes) -> bytes:
    """All at once, so that an error of the disk is never taken for an error in the picture."""
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except FileNotFoundError as error:
        raise FileMissing(f"no file at {source}") from error
    except OSError as error:
        raise StorageError(f"cannot read {source}: {error}") from error


def _largest_first(fits: Sequence[Fit]) -> list[Size]:
    return sorted({each.scaled for each in fits}, key=lambda size: size[0] * size[1], reverse=True)


def _cut(levels: Mapping[Size, Image.Image], wanted: Fit) -> Image.Image:
    level = levels[wanted.scaled]
    return level.crop(wanted.crop) if wanted.crop else level


def _thumb(image: Image.Image, preset: "PresetSettings", source_format: str) -> RenderedThumb:
    output = output_format(preset.format, source_format)
    data = encode(image, output, preset.quality)
    return RenderedThumb(preset.name, preset.recipe, data, len(data), MIME_TYPES[output], image.width, image.height)


def _smallest_for_hashes(levels: Mapping[Size, Image.Image]) -> Image.Image:
    """The smallest level that still has the sample's pixels, so that a tiny preset does not blur the hashes."""
    enough = [image for image in levels.values() if min(image.size) >= SIDE]
    return enough[-1] if enough else next(iter(levels.values()))
