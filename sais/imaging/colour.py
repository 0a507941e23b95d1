"""Every pixel mode and colour space that files come in, brought to 8-bit sRGB."""

import io
import logging
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

log = logging.getLogger(__name__)

# Resizing works on these as they are; colour is converted after it, on fewer pixels.
_RESIZABLE = {"L", "RGB", "RGBA", "CMYK", "LAB"}
_HIGH_DEPTH = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}
_PROFILE_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}

_WHITE_16 = 0xFFFF

# A profile that moves no colour further than rounding does is sRGB, whatever it calls itself.
_SAME_COLOUR = 2
# Real CMYK profiles are 0.5 to 2 MB; the cache must not be filled with megabytes by hostile files.
_LARGEST_PROFILE = 4_000_000


def resizable(image: Image.Image) -> Image.Image:
    """Loaded pixels as L, RGB, RGBA, CMYK or LAB: palettes and bits resolved, transparency as alpha, 16 bits scaled."""
    if image.mode in _HIGH_DEPTH:
        return Image.fromarray(_eight_bits(np.asarray(image)))
    if image.has_transparency_data and image.mode != "RGBA":
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in _RESIZABLE else image.convert("RGB")


def _eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """16-bit values keep their upper byte; wider integers and floats have no agreed white: their range is stretched."""
    if values.dtype.kind == "f":
        values = np.nan_to_num(values)
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind != "f" and low >= 0 and high <= _WHITE_16:
        return (values.astype(np.uint16) >> 8).astype(np.uint8)
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return ((values.astype(np.float64) - low) * (255 / ((high - low) or 1)) + 0.5).astype(np.uint8)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A resizable image as L, RGB or RGBA in sRGB. A profile that is broken, or made for another mode, is ignored."""
    if image.mode == "RGBA":
        opaque = image.getchannel("A").getextrema() == (255, 255)
        colours = to_srgb(image.convert("RGB"), profile)
        if not opaque:
            colours.putalpha(image.getchannel("A"))
        return colours
    transform = _transform(profile or b"", image.mode)
    if transform is not None:
        image = transform.apply(image).convert("L" if image.mode == "L" else "RGB")
    return image if image.mode in {"L", "RGB"} else image.convert("RGB")


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Cached: building one takes 6 ms (RGB) to 25 ms (CMYK), and a collection's photographs share a few."""
    try:
        source = _profile(profile, mode)
        if source is None or source.profile.xcolor_space != _PROFILE_SPACES[mode]:
            return None
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, target, mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.debug("broken colour profile ignored: %s", error)
        return None
    return None if _changes_nothing(transform, mode) else transform


def _profile(profile: bytes, mode: str) -> ImageCms.ImageCmsProfile | None:
    if mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    if not profile or len(profile) > _LARGEST_PROFILE:
        return None
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode not in {"RGB", "L"}:
        return False
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    probe = Image.fromarray(cube).convert(mode)
    before = np.asarray(probe.convert("RGB"), dtype=np.int16)
    after = np.asarray(transform.apply(probe), dtype=np.int16)
    return bool(np.abs(before - after).max() <= _SAME_COLOUR)
