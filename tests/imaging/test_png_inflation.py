"""What Pillow reads of an inflated file, it reads of the file itself, and what it refuses it still refuses."""

import itertools
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sais.imaging import png_inflation
from sais.imaging.png_inflation import inflated
from tests.support.pictures import decoded, encoded, noise, quarters

RGB = noise(23, 17)
PICTURES = {
    "1": encoded(RGB.convert("1"), "PNG"),
    "L": encoded(RGB.convert("L"), "PNG"),
    "LA": encoded(RGB.convert("LA"), "PNG"),
    "P": encoded(RGB.convert("P"), "PNG", transparency=3),
    "P, 2 bits": encoded(RGB.quantize(4), "PNG", bits=2),
    "RGB": encoded(RGB, "PNG"),
    "RGBA": encoded(RGB.convert("RGBA"), "PNG"),
    "I;16": encoded(Image.frombytes("I;16", (12, 10), RGB.tobytes()[:240]), "PNG"),
    "many chunks": encoded(noise(300, 200), "PNG"),
    "animated": encoded(RGB, "PNG", save_all=True, append_images=[quarters(23, 17)]),
}


END = 12  # bytes of the IEND chunk


def titled(title: str) -> PngInfo:
    notes = PngInfo()
    notes.add_text("Title", title)
    return notes


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def gray(pixels: bytes, sides: tuple[int, int] = (4, 2), interlaced: int = 0) -> bytes:
    """A PNG of one byte a pixel, whose IDAT is `pixels`."""
    header = struct.pack(">IIBBBBB", *sides, 8, 0, 0, 0, interlaced)
    return png_inflation.SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def seen(data: bytes) -> tuple[str, bytes] | None:
    try:
        image = decoded(data)
    except Exception:
        return None
    return image.mode, image.tobytes()


@pytest.mark.parametrize("kind", PICTURES)
def test_the_same_picture_not_compressed(kind: str) -> None:
    data = PICTURES[kind]
    other = inflated(data)
    assert seen(other) == seen(data) is not None
    start = other.index(b"IDAT")
    assert other[:33] == data[:33]
    assert other[start + 4 : start + 6] == b"\x78\x01"
    (length,) = struct.unpack_from(">I", other, start - 4)
    assert other[start - 4 : start + 8 + length] == chunk(b"IDAT", other[start + 4 : start + 4 + length])


def test_what_is_around_the_pixels_is_as_it_was() -> None:
    data = encoded(RGB, "PNG", dpi=(300, 300), pnginfo=titled("before"))
    data = data[:-END] + chunk(b"tEXt", b"Comment\0behind") + data[-END:]
    image = decoded(inflated(data))
    assert image.info == decoded(data).info
    assert (image.info["Title"], image.info["Comment"]) == ("before", "behind")


def test_adam7() -> None:
    """4 x 2 pixels in the passes that have some: 1, 4 (of the columns 2, 6), 6 and 7."""
    passes = b"\0\1" + b"\0\2" + b"\0\3\4" + b"\0\5\6\7\7"
    data = gray(zlib.compress(passes), interlaced=1)
    assert seen(inflated(data)) == seen(data) == ("L", bytes([1, 3, 2, 4, 5, 6, 7, 7]))


@pytest.mark.parametrize("size", [65534, 65535, 65536, 131070, 131071])
def test_sizes_about_a_stored_block(size: int) -> None:
    pixels = bytes(n % 251 for n in range(size - 1))
    assert seen(inflated(gray(zlib.compress(b"\0" + pixels), (size - 1, 1)))) == ("L", pixels)


@pytest.mark.parametrize("kind", ["L", "P"])
def test_whatever_bit_is_wrong_pillow_says_the_same(kind: str) -> None:
    for at, bit in itertools.product(range(len(PICTURES[kind])), range(8)):
        data = bytearray(PICTURES[kind])
        data[at] ^= 1 << bit
        assert seen(inflated(bytes(data))) == seen(bytes(data)), f"bit {bit} of byte {at}"


@pytest.mark.parametrize("kind", ["RGB", "animated"])
def test_wherever_a_file_is_cut_pillow_says_the_same(kind: str) -> None:
    for length in range(len(PICTURES[kind])):
        data = PICTURES[kind][:length]
        assert seen(inflated(data)) == seen(data), f"{length} bytes"


def test_more_than_it_holds_in_memory_is_left_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    data = PICTURES["RGB"]
    rows = 17 * (1 + 3 * 23)
    monkeypatch.setattr(png_inflation, "MOST_INFLATED", rows)
    assert inflated(data) != data
    monkeypatch.setattr(png_inflation, "MOST_INFLATED", rows - 1)
    assert inflated(data) is data


ROWS = zlib.compress(b"\0\1\2\3\4" + b"\0\5\6\7\7")
ODD: dict[str, Callable[[], bytes]] = {
    "no PNG": lambda: encoded(RGB, "JPEG"),
    "nothing": lambda: b"",
    "no pixels": lambda: gray(zlib.compress(b"")),
    "an empty IDAT": lambda: gray(b""),
    "no zlib stream": lambda: gray(b"x" + ROWS),
    "more behind the stream": lambda: gray(ROWS + b"x"),
    "a wrong checksum": lambda: gray(ROWS[:-1] + bytes([ROWS[-1] ^ 1])),
    "a stream that does not end": lambda: gray(ROWS[:-2]),
    "no chunk behind": lambda: gray(ROWS)[:-12],
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_odd_is_left_to_pillow(kind: str) -> None:
    data = ODD[kind]()
    assert inflated(data) is data
