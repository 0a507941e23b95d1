"""Opening a picture: its header is read and measured, its pixels are not decoded yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sais.errors import CorruptImage, NotAnImage, SaisError, TooBig, TransientMediaError
from sais.imaging import formats
from sais.imaging.formats import Kind, sniff

# The readers are called straight, not through Image.open(): it would try 40 formats nobody asked for, and it warns or
# raises by the process-wide Image.MAX_IMAGE_PIXELS, which would have to be changed under everybody else's feet.
_READERS: dict[Kind, type[ImageFile]] = {
    formats.JPEG: JpegImageFile,
    formats.PNG: PngImageFile,
    formats.GIF: GifImageFile,
    formats.WEBP: WebPImageFile,
    formats.AVIF: AvifImageFile,
    formats.TIFF: TiffImageFile,
    formats.BMP: BmpImageFile,
}


@contextmanager
def pillow_errors() -> Iterator[None]:
    """Whatever Pillow throws (it throws a dozen types) becomes a MediaError.

    `CorruptImage("corrupt")` for bad data. WebP and GIF readers ask `MAX_IMAGE_PIXELS` themselves (179 megapixels by
    default): `TooBig`. No memory is the machine's trouble, and another day may be better: `out_of_memory`, transient.
    """
    try:
        yield
    except SaisError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooBig("too_many_pixels", str(error)) from error
    except MemoryError as error:
        raise TransientMediaError("out_of_memory") from error
    except Exception as error:
        raise CorruptImage("corrupt", f"{type(error).__name__}: {error}") from error


def open_picture(stream: BinaryIO, *, max_pixels: int) -> ImageFile:
    """Read the header of a picture.

    Raises NotAnImage (`not_image`), TooBig (`too_many_pixels`, by the declared size), CorruptImage (`corrupt`).
    """
    kind = sniff(stream.read(formats.SNIFF_BYTES))
    if kind is None or not kind.is_image:
        raise NotAnImage("not_image")
    stream.seek(0)
    with pillow_errors():
        picture = _READERS[kind](stream)
    check_pixels(picture.width, picture.height, max_pixels)
    return picture


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raises TooBig (`too_many_pixels`)."""
    if width * height > max_pixels:
        raise TooBig("too_many_pixels", f"{width} x {height} pixels, the limit is {max_pixels} in all")
