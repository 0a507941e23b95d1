"""Many thumbs in one small picture, for a page that cannot ask for them one by one."""

import io
from collections.abc import Sequence

from PIL import Image

from sais.errors import MediaError
from sais.imaging.colour import resizable, to_srgb
from sais.imaging.encoding import on_white
from sais.imaging.geometry import LONGEST_SIDE, fit_inside
from sais.imaging.opening import open_picture, pillow_errors
from sais.imaging.resizing import resized

GAP = 4
# As a data: URI it grows by a third; 64 photographs at 96 px stay under 150 KB so.
LARGEST_BYTES = 110_000
_QUALITIES = (70, 50, 30, 15, 5, 1)
_GROUND, _BROKEN = "#ffffff", "#c0c0c0"
_MAX_PIXELS = 50_000_000


def contact_sheet(thumbs: Sequence[bytes], *, columns: int = 8, cell: int = 96) -> bytes:
    """A WebP sheet of thumbs (encoded images of any format), row by row, each fitted into `cell` x `cell` pixels.

    What cannot be read is a grey cell. At most about 110 KB: the more there is to see, the lower its quality. Thumbs
    that would make the sheet longer than 16,383 pixels (WebP's limit) are left out.
    """
    pitch = cell + GAP
    rows_that_fit = (LONGEST_SIDE - GAP) // pitch
    shown = thumbs[: columns * rows_that_fit]
    rows = max(1, -(-len(shown) // columns))
    sheet = Image.new("RGB", (columns * pitch + GAP, rows * pitch + GAP), _GROUND)
    for index, data in enumerate(shown):
        picture = _cell(data, cell)
        left, top = (GAP + pitch * place for place in (index % columns, index // columns))
        sheet.paste(picture, (left + (cell - picture.width) // 2, top + (cell - picture.height) // 2))
    return _small_enough(sheet)


def _cell(data: bytes, side: int) -> Image.Image:
    try:
        with pillow_errors():
            picture = open_picture(io.BytesIO(data), max_pixels=_MAX_PIXELS)
            size = fit_inside(picture.size, (side, side))
            picture.draft("RGB", size)
            small = resized(resizable(picture), size)
            return on_white(to_srgb(small, None)).convert("RGB")
    except MediaError:
        return Image.new("RGB", (side, side), _BROKEN)


def _small_enough(sheet: Image.Image) -> bytes:
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        sheet.save(buffer, "WEBP", quality=quality, method=2)
        data = buffer.getvalue()
        if len(data) <= LARGEST_BYTES:
            break
    return data
