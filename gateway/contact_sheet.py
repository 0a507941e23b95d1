"""The pictures of a batch as a page shows them."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import blurhash
import numpy as np
from PIL import Image

from sais.fetching import redact_url
from sais_models.wire import MediaRow, ThumbData

# Large enough to see, small enough for 200 on a page.
SHOWN = ("small", "tiny", "medium")
# A browser enlarges it smoothly. 8 x 6 take 0.3 ms to decode, the 32 x 32 of a whole picture 7 ms, and a page has 200.
BLUR_SIDE = 8


@dataclass(frozen=True)
class Tile:
    """One image; `thumb` is None while there is none. `source` is the redacted address, `name` its last part.

    `blur` is the address of a picture to show until the thumb has loaded.
    """

    position: int
    code: str | None
    source: str
    name: str
    marking: str
    reason: str | None
    thumb: ThumbData | None
    blur: str | None


def tiles_of(rows: Sequence[MediaRow], presets: Sequence[str], start: int = 0) -> list[Tile]:
    """`presets` are the batch's own: what it did not ask for is shown only when there is nothing else."""
    order = [name for name in SHOWN if name in presets] + [name for name in presets if name not in SHOWN]
    return [_tile(row, order, position) for position, row in enumerate(rows, start)]


def _tile(row: MediaRow, order: Sequence[str], position: int) -> Tile:
    source = redact_url(row.original_url)
    thumb = next((row.thumb_data[name] for name in (*order, *row.thumb_data) if name in row.thumb_data), None)
    return Tile(
        position=position,
        code=row.code,
        source=source,
        name=source.rstrip("/").rpartition("/")[2] or source,
        marking=row.marking,
        reason=row.reason,
        thumb=thumb,
        blur=blur_address(row.blur, thumb.width, thumb.height) if thumb and row.blur else None,
    )


def blur_address(hash_: str, width: int, height: int) -> str | None:
    """A blurhash as a `data:` address of about 220 characters, in the proportions of `width` and `height`."""
    longest = max(width, height, 1)
    return _blur_address(hash_, *(max(1, round(BLUR_SIDE * side / longest)) for side in (width, height)))


@lru_cache(maxsize=10_000)
def _blur_address(hash_: str, width: int, height: int) -> str | None:
    """Kept, because a page of a batch at work is asked for again and again."""
    try:
        pixels = np.array(blurhash.decode(hash_, width, height), dtype=np.uint8)
    except (ValueError, KeyError, OverflowError):
        return None
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
