"""Thumbs as a browser gets them: from their public addresses, without a key."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import httpx
from PIL import Image


@dataclass(frozen=True)
class FetchedThumb:
    """`width` and `height` in pixels, `size` in bytes; `trouble` says why it is no picture, if it is none."""

    width: int = 0
    height: int = 0
    size: int = 0
    trouble: str | None = None


def fetch_thumbs(http: httpx.Client, addresses: Mapping[str, str]) -> dict[str, FetchedThumb]:
    """By preset, for addresses by preset. Raises nothing: what is wrong with a thumb is in its `trouble`."""
    return {preset: fetch_thumb(http, address) for preset, address in addresses.items()}


def fetch_thumb(http: httpx.Client, address: str) -> FetchedThumb:
    try:
        answer = http.get(address)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return FetchedThumb(trouble=f"{address}: {error or type(error).__name__}")
    if answer.status_code != httpx.codes.OK:
        return FetchedThumb(trouble=f"{address} answers {answer.status_code}")
    try:
        with Image.open(BytesIO(answer.content)) as picture:
            picture.load()
            return FetchedThumb(*picture.size, size=len(answer.content))
    except OSError as error:
        return FetchedThumb(trouble=f"{address} is no picture: {error}")
