"""The blurred picture that stands for a thumb while it is made."""

import asyncio
import re

from fastapi import Response

from sais.errors import InputError
from sais.imaging import decode_blurhash
from sais.serving import MissingThumb

# Browsers stretch it, and blur looks the same at any size: 5 ms, a picture of 1280 would take 40.
LONGEST_SIDE = 256
_REFUSED = re.compile(r";\s*q=0(\.0*)?\s*(;|$)")


def takes_pictures(accept: str) -> bool:
    """Whether a browser asks for an `<img>`; programs that take `*/*` rather read the problem."""
    ranges = (one.strip() for one in accept.lower().split(","))
    return any(one.startswith("image/") and not _REFUSED.search(one) for one in ranges)


async def placeholder(missing: MissingThumb, headers: dict[str, str]) -> Response | None:
    """503 with a PNG in the shape of the thumb; None when the image's blurhash is not known."""
    if missing.blurhash is None or missing.size is None:
        return None
    scale = min(1.0, LONGEST_SIDE / max(missing.size))
    width, height = (max(1, round(side * scale)) for side in missing.size)
    try:
        picture = await asyncio.to_thread(decode_blurhash, missing.blurhash, width, height)
    except InputError:
        return None
    return Response(picture, 503, headers, "image/png")
