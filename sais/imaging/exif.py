"""EXIF: which way up a picture is, and the few tags that are worth a column."""

import logging
from contextlib import suppress

from PIL import ExifTags, Image
from PIL.ExifTags import IFD, Base
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

log = logging.getLogger(__name__)

LONGEST_TEXT = 200
_TEXT_TAGS = (Base.Make, Base.Model, Base.Artist, Base.Copyright, Base.ImageDescription)
_SIDEWAYS = range(5, 9)

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_exif(picture: ImageFile) -> Image.Exif:
    """The tags of an opened picture; empty when there are none, or when they are broken (the pixels may still be fine).

    Not `picture.getexif()`: for a PNG it decodes the pixels, and it takes an orientation from XMP, as no browser does.
    """
    try:
        if isinstance(picture, TiffImageFile):
            return picture.getexif()
        exif = Image.Exif()
        exif.load(picture.info.get("exif", b""))
        exif.get_ifd(IFD.Exif)
    except Exception as error:  # Pillow's parser throws a dozen types
        log.debug("broken EXIF ignored: %s", error)
        return Image.Exif()
    return exif


def orientation(picture: ImageFile) -> int:
    """1 to 8, of the pixels that `picture.load()` will give: 1 for TIFF, which Pillow turns upright itself."""
    if isinstance(picture, TiffImageFile):
        return 1
    value = read_exif(picture).get(Base.Orientation)
    return value if value in _UPRIGHT else 1


def displayed_size(picture: ImageFile) -> tuple[int, int]:
    """Width and height in pixels as a browser shows the picture."""
    width, height = picture.size
    return (height, width) if orientation(picture) in _SIDEWAYS else (width, height)


def lying(size: tuple[int, int], turn: int) -> tuple[int, int]:
    """A displayed size in the axes of the stored pixels."""
    return (size[1], size[0]) if turn in _SIDEWAYS else size


def upright(image: Image.Image, turn: int) -> Image.Image:
    """The stored pixels turned as orientation `turn` says."""
    return image.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else image


def useful_tags(exif: Image.Exif) -> dict[str, str | int] | None:
    """Camera, date, author and orientation, JSON-safe; None if empty. GPS is left out: where people live is private."""
    tags: dict[str, str | int] = {}
    for tag in _TEXT_TAGS:
        _keep_text(tags, tag, exif.get(tag))
    _keep_text(tags, Base.DateTimeOriginal, exif.get_ifd(IFD.Exif).get(Base.DateTimeOriginal))
    turn = exif.get(Base.Orientation)
    if turn == 1 or turn in _UPRIGHT:
        tags[Base.Orientation.name] = int(turn)
    return tags or None


def _keep_text(tags: dict[str, str | int], tag: ExifTags.Base, value: object) -> None:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str) and (text := _clean(value)):
        tags[tag.name] = text


def _clean(text: str) -> str:
    """Pillow reads EXIF text as Latin-1, but most cameras write UTF-8; PostgreSQL refuses the NULs that pad it."""
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:LONGEST_TEXT]
