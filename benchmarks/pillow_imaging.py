"""SAIS' own cascade, and what one would write first: each thumb by Pillow from a full decode.

python -m benchmarks.pillow_imaging sais|naive      see child.py
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.child import serve
from benchmarks.imaging_order import MEDIUM, QUALITY, SMALL, Imaging, handler
from sais.imaging import encode_blurhash, render
from sais.imaging.exif import displayed_size
from sais.imaging.geometry import fit
from sais.imaging.opening import open_picture
from sais.imaging.scaling import cascade, decode
from sais_models import PresetSettings

MAX_PIXELS = 100_000_000
PRESETS = [
    PresetSettings(name="medium", width=MEDIUM, height=MEDIUM, quality=QUALITY),
    PresetSettings(name="small", width=SMALL, height=SMALL, quality=QUALITY),
]
HASHED = (32, 32)


def sais(file: Path) -> list[bytes]:
    return [thumb.data for thumb in render(file, PRESETS, max_pixels=MAX_PIXELS).thumbs]


def sais_pixels(file: Path, place: Path) -> None:
    picture = open_picture(io.BytesIO(file.read_bytes()), max_pixels=MAX_PIXELS)
    wanted = fit(displayed_size(picture), PRESETS[0]).scaled
    cascade(decode(picture, wanted), [wanted])[wanted].save(place)


def naive(file: Path) -> list[bytes]:
    thumbs = []
    for side in (MEDIUM, SMALL):
        thumb, buffer = _resized(file, side), io.BytesIO()
        thumb.save(buffer, "WEBP", quality=QUALITY, method=4)
        thumbs.append(buffer.getvalue())
    # SAIS' own, fifty times as fast as that of the package: the pixels are compared, not the hashes.
    sample = thumb.resize(HASHED)
    encode_blurhash(np.asarray(sample))
    return thumbs


def naive_pixels(file: Path, place: Path) -> None:
    _resized(file, MEDIUM).save(place)


def _resized(file: Path, side: int) -> Image.Image:
    with Image.open(file) as picture:
        whole = picture.convert("RGB")
    share = min(1.0, side / max(whole.size))
    size = (max(1, round(whole.width * share)), max(1, round(whole.height * share)))
    return whole.resize(size, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    serve({"sais": handler(Imaging(sais, sais_pixels)), "naive": handler(Imaging(naive, naive_pixels))})
