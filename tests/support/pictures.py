"""Small test pictures, made in memory, and the photographs that scikit-image bundles."""

import importlib.util
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from PIL.ExifTags import Base

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 160, 60), (30, 60, 200), (255, 255, 255)

_LYING_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """The image as a file of this format (Pillow's name and options)."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> Image.Image:
    """A file's pixels, as any viewer that knows nothing of ours sees them."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def quarters(width: int = 400, height: int = 300) -> Image.Image:
    """Red, green / blue, white quarters: which side is up, and whether colours are right, is plain to see."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    middle = (width // 2, height // 2)
    draw.rectangle((0, 0, middle[0] - 1, middle[1] - 1), RED)
    draw.rectangle((middle[0], 0, width, middle[1] - 1), GREEN)
    draw.rectangle((0, middle[1], middle[0] - 1, height), BLUE)
    return image


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    """The worst case of every encoder."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def photograph(name: str = "astronaut.png") -> Image.Image:
    """One of scikit-image's bundled pictures (its package is found, not imported); skips the test without it."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.submodule_search_locations is None:
        pytest.skip("scikit-image is not installed")
    return Image.open(Path(spec.submodule_search_locations[0]) / "data" / name)


def turned(image: Image.Image, orientation: int, file_format: str = "JPEG", **options: Any) -> bytes:
    """A file that shows as `image` when its EXIF orientation is applied, as a camera held sideways makes it."""
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    transpose = _LYING_AS[orientation]
    stored = image.transpose(transpose) if transpose is not None else image
    return encoded(stored, file_format, exif=exif, **options)


def adobe_ycck(image: Image.Image) -> bytes:
    """An Adobe YCCK JPEG: Pillow cannot write one, so CMYK planes are filled with YCbCr and the marker is set to 2."""
    planes = [ImageOps.invert(plane) for plane in ImageOps.invert(image).convert("YCbCr").split()]
    cmyk = Image.merge("CMYK", [*planes, Image.new("L", image.size, 0)])
    data = bytearray(encoded(cmyk, "JPEG", quality=95, subsampling=0))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def matrix_profile(red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...], gamma: float) -> bytes:
    """An RGB ICC profile: the XYZ (D50) of each primary, and one gamma."""
    tags = {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    return _profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma)))


def gray_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def swapped_profile() -> bytes:
    """sRGB's primaries with red and blue exchanged: a picture that is managed shows red as blue."""
    red, green, blue = (0.436, 0.222, 0.014), (0.385, 0.717, 0.097), (0.143, 0.061, 0.714)
    return matrix_profile(blue, green, red, 2.2)


def red_cyan_profile() -> bytes:
    """A CMYK ICC profile (an 8-bit table, PCS Lab) of a press whose cyan ink is red, and all others black."""
    red, white, black = bytes((136, 208, 195)), bytes((255, 128, 128)), bytes((0, 128, 128))
    inks = [red if corner == 8 else black if corner & 7 else white for corner in range(16)]
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4 + b"".join(inks) + ramp * 3
    return _profile(b"CMYK", {b"A2B0": table}, connection=b"Lab ")


def _profile(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    tags = tags | {b"wtpt": _xyz((0.9642, 1.0, 0.8249)), b"desc": b"desc" + struct.pack(">4xI5s78x", 5, b"test\0")}
    tags |= {b"cprt": b"text\0\0\0\0none\0"}
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    head = (
        struct.pack(">I4xI4s4s4s", size, 0x02400000, b"prtr" if space == b"CMYK" else b"mntr", space, connection)
        + bytes(12)
        + b"acsp"
        + bytes(28)
    )
    head += struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
