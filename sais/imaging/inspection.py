"""What a stored file is, from its header alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sais.errors import FileMissing, NotAnImage, StorageError
from sais.imaging.exif import displayed_size, read_exif, useful_tags
from sais.imaging.formats import SNIFF_BYTES, WEBP, Kind, sniff
from sais.imaging.opening import check_pixels, open_picture, pillow_errors
from sais.imaging.webp_header import simple_webp_size


@dataclass(frozen=True)
class ImageFacts:
    """`size` in bytes; sides in pixels as displayed, None for audio and video; `exif` JSON-safe, None if empty."""

    mime_type: str
    ext: str
    size: int
    width: int | None = None
    height: int | None = None
    exif: dict[str, str | int] | None = None


def inspect(path: Path, *, max_pixels: int) -> ImageFacts:
    """The facts of the file at `path`; no pixel is decoded.

    Raises NotAnImage (`not_image`: no format that SAIS keeps, or no bytes), TooBig (`too_many_pixels`, by the declared
    size), CorruptImage (`corrupt`), FileMissing, StorageError.
    """
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise FileMissing(f"no file at {path}") from error
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error}") from error
    with stream:
        head = stream.read(SNIFF_BYTES)
        kind = sniff(head)
        if kind is None:
            raise NotAnImage("not_image")
        stream.seek(0)
        return _facts(stream, head, kind, path.stat().st_size, max_pixels)


def _facts(stream: BinaryIO, head: bytes, kind: Kind, size: int, max_pixels: int) -> ImageFacts:
    if not kind.is_image:
        return ImageFacts(kind.mime, kind.ext, size)
    if kind is WEBP and (sides := simple_webp_size(head, size)):
        check_pixels(*sides, max_pixels)
        return ImageFacts(kind.mime, kind.ext, size, *sides)
    picture = open_picture(stream, max_pixels=max_pixels)
    with pillow_errors():
        width, height = displayed_size(picture)
        return ImageFacts(kind.mime, kind.ext, size, width, height, useful_tags(read_exif(picture)))
