"""Of a WebP file's first bytes only what Pillow, which reads the whole, would say too."""

import io
import itertools
from pathlib import Path

import pytest
from PIL import Image

from sais.errors import CorruptImage, TooBig
from sais.imaging import inspect
from sais.imaging.webp_header import HEADER_BYTES, simple_webp_size
from tests.support.pictures import encoded, noise, quarters, turned

SIDES = [1, 2, 63, 64, 1000]
SIMPLE = {
    "lossy": encoded(noise(49, 41), "WEBP"),
    "lossless": encoded(noise(49, 41), "WEBP", lossless=True),
    "lossless with alpha": encoded(noise(49, 41).convert("RGBA"), "WEBP", lossless=True),
}
EXTENDED = {
    "Exif": turned(quarters(60, 40), 6, "WEBP"),
    "alpha": encoded(noise(49, 41).convert("RGBA").rotate(10), "WEBP"),
    "animated": encoded(noise(49, 41), "WEBP", save_all=True, append_images=[quarters(49, 41)]),
}


def by_header(data: bytes) -> tuple[int, int] | None:
    return simple_webp_size(data[:HEADER_BYTES], len(data))


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize(("width", "height"), list(itertools.product(SIDES, SIDES)))
def test_sides(width: int, height: int, lossless: bool) -> None:
    assert by_header(encoded(noise(width, height), "WEBP", lossless=lossless)) == (width, height)


def test_longest_sides() -> None:
    assert by_header(encoded(Image.new("RGB", (16383, 1)), "WEBP")) == (16383, 1)
    assert by_header(encoded(Image.new("RGB", (1, 16383)), "WEBP", lossless=True)) == (1, 16383)


@pytest.mark.parametrize("kind", EXTENDED)
def test_extended_files_are_left_to_pillow(kind: str) -> None:
    assert by_header(EXTENDED[kind]) is None


@pytest.mark.parametrize("kind", SIMPLE)
def test_whatever_bit_is_wrong_pillow_reads_the_same_sides(kind: str) -> None:
    for at, bit in itertools.product(range(HEADER_BYTES), range(8)):
        data = bytearray(SIMPLE[kind])
        data[at] ^= 1 << bit
        sides = by_header(bytes(data))
        if sides is not None:
            assert Image.open(io.BytesIO(data)).size == sides, f"bit {bit} of byte {at}"


@pytest.mark.parametrize("kind", SIMPLE)
def test_a_file_cut_anywhere_is_corrupt(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "original"
    for length in range(HEADER_BYTES - 15, len(SIMPLE[kind]), 7):
        path.write_bytes(SIMPLE[kind][:length])
        with pytest.raises(CorruptImage):
            inspect(path, max_pixels=10**8)


def test_too_many_pixels(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_bytes(SIMPLE["lossy"])
    with pytest.raises(TooBig, match="49 x 41 pixels, the limit is 2000"):
        inspect(path, max_pixels=2000)
