"""What a file is told from its first bytes alone."""

import pytest

from sais.imaging import SNIFF_BYTES, sniff
from tests.support.pictures import encoded, quarters


@pytest.mark.parametrize(
    ("file_format", "mime", "ext"),
    [
        ("JPEG", "image/jpeg", "jpg"),
        ("PNG", "image/png", "png"),
        ("GIF", "image/gif", "gif"),
        ("WEBP", "image/webp", "webp"),
        ("AVIF", "image/avif", "avif"),
        ("TIFF", "image/tiff", "tif"),
        ("BMP", "image/bmp", "bmp"),
    ],
)
def test_image_formats(file_format: str, mime: str, ext: str) -> None:
    kind = sniff(encoded(quarters(), file_format)[:SNIFF_BYTES])
    assert kind is not None
    assert (kind.mime, kind.ext, kind.is_image) == (mime, ext, True)


@pytest.mark.parametrize(
    ("head", "mime", "ext"),
    [
        (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg", "mp3"),
        (b"\xff\xfb\x90\x64\x00", "audio/mpeg", "mp3"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav", "wav"),
        (b"RIFF\x24\x00\x00\x00AVI LIST", "video/x-msvideo", "avi"),
        (b"OggS\x00\x02" + bytes(22) + b"\x01vorbis", "audio/ogg", "ogg"),
        (b"OggS\x00\x02" + bytes(22) + b"\x80theora", "video/ogg", "ogv"),
        (b"fLaC\x00\x00\x00\x22", "audio/flac", "flac"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42", "video/mp4", "mp4"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41", "video/mp4", "mp4"),
        (b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42", "audio/mp4", "m4a"),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", "video/quicktime", "mov"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm", "webm"),
        (b"\x1a\x45\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska", "video/x-matroska", "mkv"),
    ],
)
def test_audio_and_video_are_known_but_no_images(head: bytes, mime: str, ext: str) -> None:
    kind = sniff(head)
    assert kind is not None
    assert (kind.mime, kind.ext, kind.is_image) == (mime, ext, False)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"<!DOCTYPE html><html>",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<svg/>",
        b"%PDF-1.7",
        b"BM is how this plain text begins, and it is no bitmap at all",
        b"\xff\xfe<\x00h\x00t\x00m\x00l\x00",  # UTF-16, near an MP3 frame's mark
        b"\xff\xfb",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        b"\x00\x00\x00\x08ftyp",
        b"\x1a\x45\xdf\xa3\x00\x00\x00\x00",
        b"RIFF\x00\x00\x00\x00ACON",
        b"PK\x03\x04",
    ],
)
def test_everything_else_is_refused(head: bytes) -> None:
    assert sniff(head) is None


def test_avif_behind_a_generic_brand() -> None:
    kind = sniff(b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf")
    assert kind is not None
    assert kind.mime == "image/avif"


def test_brands_outside_of_the_first_box_do_not_count() -> None:
    assert sniff(b"\x00\x00\x00\x14ftypheic\x00\x00\x00\x00mif1" + b"avif") is None
