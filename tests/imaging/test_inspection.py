"""Facts from the header alone."""

import json
import struct
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from sais.errors import CorruptImage, FileMissing, NotAnImage, StorageError, TooBig
from sais.imaging import ImageFacts, inspect
from tests.support.pictures import encoded, quarters, turned

MAX_PIXELS = 100_000_000


def facts(folder: Path, data: bytes, max_pixels: int = MAX_PIXELS) -> ImageFacts:
    path = folder / "original"
    path.write_bytes(data)
    return inspect(path, max_pixels=max_pixels)


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header says this size, and whose pixels are not there."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"])
def test_size_and_type(tmp_path: Path, file_format: str) -> None:
    data = encoded(quarters(60, 40), file_format)
    found = facts(tmp_path, data)
    assert (found.width, found.height, found.size) == (60, 40, len(data))
    assert found.mime_type == f"image/{file_format.lower()}"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_sides_are_as_displayed(tmp_path: Path, file_format: str, orientation: int) -> None:
    found = facts(tmp_path, turned(quarters(60, 40), orientation, file_format))
    assert (found.width, found.height) == (60, 40)


def test_pixels_are_not_decoded(tmp_path: Path) -> None:
    data = encoded(quarters(600, 400), "JPEG")
    found = facts(tmp_path, data[: data.index(b"\xff\xda") + 14])
    assert (found.width, found.height) == (600, 400)
    assert facts(tmp_path, png_of_size(600, 400)).width == 600


def test_audio_has_no_sides(tmp_path: Path) -> None:
    assert facts(tmp_path, b"fLaC" + bytes(100)) == ImageFacts("audio/flac", "flac", 104, None, None, None)


def test_tags_that_are_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.Make] = "Canon\0\0"
    exif[Base.ImageDescription] = "x" * 500
    exif[Base.Copyright] = "© Zoë".encode()
    exif[Base.Orientation] = 6
    exif[Base.Software] = "not kept"
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    exif.get_ifd(IFD.GPSInfo)[1] = "N"
    found = facts(tmp_path, encoded(quarters(), "JPEG", exif=exif)).exif
    assert found == {
        "Make": "Canon",
        "ImageDescription": "x" * 200,
        "Copyright": "© Zoë",
        "Orientation": 6,
        "DateTimeOriginal": "2024:05:06 07:08:09",
    }
    assert json.loads(json.dumps(found)) == found


def test_no_tags_is_none(tmp_path: Path) -> None:
    assert facts(tmp_path, encoded(quarters(), "PNG")).exif is None


def test_broken_exif_is_ignored(tmp_path: Path) -> None:
    found = facts(tmp_path, encoded(quarters(60, 40), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fgarbage"))
    assert (found.width, found.exif) == (60, None)


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"%PDF-1.7", b"\x00" * 1000])
def test_not_an_image(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NotAnImage) as caught:
        facts(tmp_path, data)
    assert caught.value.reason == "not_image"


def test_too_many_pixels_by_the_header(tmp_path: Path) -> None:
    with pytest.raises(TooBig) as caught:
        facts(tmp_path, png_of_size(30_000, 30_000))
    assert caught.value.reason == "too_many_pixels"
    with pytest.raises(TooBig):
        facts(tmp_path, encoded(quarters(100, 100), "JPEG"), max_pixels=9_999)
    assert facts(tmp_path, encoded(quarters(100, 100), "JPEG"), max_pixels=10_000).width == 100


def test_only_the_argument_limits_pixels(tmp_path: Path) -> None:
    """Pillow's own limit (a warning at 89 megapixels, an error at 179) has no say, and is not changed."""
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert facts(tmp_path, png_of_size(9_900, 10_000)).width == 9_900
        assert facts(tmp_path, png_of_size(30_000, 30_000), max_pixels=10**9).width == 30_000
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"])
def test_a_header_that_ends_early_is_corrupt(tmp_path: Path, file_format: str) -> None:
    data = encoded(quarters(), file_format)
    with pytest.raises(CorruptImage) as caught:
        facts(tmp_path, data[:18] if file_format != "AVIF" else data[:40])
    assert caught.value.reason == "corrupt"


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        inspect(tmp_path / "nothing", max_pixels=MAX_PIXELS)
    with pytest.raises(StorageError):
        inspect(tmp_path, max_pixels=MAX_PIXELS)
