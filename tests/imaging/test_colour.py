"""Pixel modes and colour spaces all end as sRGB, as a browser shows them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from sais.imaging import render
from sais_models import PresetSettings, ThumbFormat
from tests.support.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    adobe_ycck,
    decoded,
    encoded,
    gray_profile,
    photograph,
    quarters,
    red_cyan_profile,
    swapped_profile,
)

ALPHA_FORMATS = [ThumbFormat.WEBP, ThumbFormat.PNG, ThumbFormat.AVIF]


def made(data: bytes, wanted: ThumbFormat = ThumbFormat.PNG, side: int = 100) -> Image.Image:
    preset = PresetSettings(name="p", width=side, height=side, format=wanted, quality=90)
    return decoded(render(data, [preset], max_pixels=100_000_000).thumbs[0].data)


def colour(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    pixel = image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(pixel, tuple)
    return pixel


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    return [colour(image, x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]


def close(found: Sequence[tuple[int, ...]], expected: Sequence[tuple[int, ...]], tolerance: int = 12) -> bool:
    return int(np.abs(np.array(found) - np.array(expected)).max()) <= tolerance


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_modes_with_colours(file_format: str, mode: str) -> None:
    assert close(corners(made(encoded(quarters().convert(mode), file_format))), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey(mode: str) -> None:
    grey = [(value,) * 3 for value in quarters().convert("L").resize((2, 2), 0).tobytes()]
    for wanted in ThumbFormat:
        assert close(corners(made(encoded(quarters().convert(mode), "PNG"), wanted)), grey)


def test_one_bit() -> None:
    image = Image.new("1", (200, 200), 1)
    image.paste(0, (0, 0, 100, 200))
    for file_format in ("PNG", "TIFF", "BMP"):
        found = made(encoded(image, file_format))
        assert (colour(found, 0.2, 0.5), colour(found, 0.8, 0.5)) == ((0, 0, 0), WHITE)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bits_are_scaled(file_format: str) -> None:
    values = np.repeat(np.array([[0, 128 * 257, 200 * 257, 0xFFFF]], dtype=np.uint16), 50, axis=1).repeat(80, axis=0)
    found = made(encoded(Image.fromarray(values), file_format), side=200)
    assert [colour(found, x, 0.5)[0] for x in (0.12, 0.37, 0.62, 0.87)] == [0, 128, 200, 255]


@pytest.mark.parametrize(
    "values",
    [
        np.array([0, 128 * 257, 0xFFFF], dtype=np.int32),
        np.array([-1_000_000, 0, 1_000_000], dtype=np.int32),
        np.array([0.0, 0.5, 1.0], dtype=np.float32),
        np.array([-3000.0, 0.0, 3000.0], dtype=np.float32),
    ],
)
def test_wide_integers_and_floats(values: np.ndarray[Any, Any]) -> None:
    image = Image.fromarray(values.repeat(40)[np.newaxis].repeat(40, axis=0))
    found = made(encoded(image, "TIFF"), side=120)
    assert close([colour(found, x, 0.5) for x in (0.1, 0.5, 0.9)], [(0,) * 3, (128,) * 3, WHITE], 1)


def test_flat_and_undefined_floats() -> None:
    for value in (7.0, np.nan, np.inf):
        made(encoded(Image.fromarray(np.full((20, 20), value, dtype=np.float32)), "TIFF"))


@pytest.mark.parametrize("wanted", ALPHA_FORMATS)
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_transparency_is_kept(mode: str, wanted: ThumbFormat) -> None:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (100, 0, 200, 200))
    data = encoded(image.convert(mode), "PNG")
    if mode in {"P", "RGB"}:
        transparent = 0 if mode == "P" else (0, 0, 0)
        grey = image.convert("RGB").quantize(2) if mode == "P" else image.convert("RGB")
        if mode == "P":
            transparent = grey.getpixel((10, 10))  # type: ignore[assignment]
        data = encoded(grey, "PNG", transparency=transparent)
    alpha = made(data, wanted).convert("RGBA").getchannel("A")
    assert (alpha.getpixel((20, 50)), alpha.getpixel((80, 50))) == (0, 255)


def test_gif_transparency_is_kept() -> None:
    image = Image.new("P", (100, 100), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (50, 0, 100, 100))
    alpha = made(encoded(image, "GIF", transparency=0)).convert("RGBA").getchannel("A")
    assert (alpha.getpixel((20, 50)), alpha.getpixel((80, 50))) == (0, 255)


def test_transparency_on_white_in_jpeg() -> None:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    image.paste((*RED, 255), (100, 0, 200, 200))
    found = made(encoded(image, "PNG"), ThumbFormat.JPEG)
    assert close([colour(found, 0.25, 0.5), colour(found, 0.75, 0.5)], [WHITE, RED])


def test_transparent_pixels_do_not_bleed() -> None:
    """Hidden green beside visible red: resizing must weigh colours by their alpha."""
    stripes = np.zeros((200, 200, 4), dtype=np.uint8)
    stripes[:, ::2] = (0, 255, 0, 0)
    stripes[:, 1::2] = (255, 0, 0, 255)
    red, green, _, alpha = made(encoded(Image.fromarray(stripes), "PNG"), side=50).getpixel((25, 25))  # type: ignore[misc]
    assert red > 250
    assert green < 5
    assert 120 < alpha < 136


def test_opaque_alpha_is_dropped() -> None:
    assert made(encoded(quarters().convert("RGBA"), "PNG")).mode == "RGB"


def test_profile_is_applied() -> None:
    data = encoded(quarters(), "JPEG", icc_profile=swapped_profile(), quality=95)
    red, green, blue, white = corners(made(data))
    assert close([red], [RED[::-1]], 40)
    assert close([blue], [BLUE[::-1]], 40)
    assert close([white], [WHITE])
    assert green[1] > 140


@pytest.mark.parametrize("wanted", ALPHA_FORMATS)
def test_profile_is_applied_beside_alpha(wanted: ThumbFormat) -> None:
    image = Image.new("RGBA", (200, 200), (*RED, 255))
    image.paste((*RED, 0), (100, 0, 200, 200))
    found = made(encoded(image, "PNG", icc_profile=swapped_profile()), wanted).convert("RGBA")
    left, right = found.getpixel((20, 50)), found.getpixel((80, 50))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert close([left[:3]], [RED[::-1]], 40)
    assert (left[3], right[3]) == (255, 0)


def test_grey_profile_is_applied() -> None:
    image = Image.new("L", (100, 100), 55)
    linear = colour(made(encoded(image, "PNG", icc_profile=gray_profile(1.0))), 0.5, 0.5)
    assert close([linear], [(128, 128, 128)], 4)


def test_srgb_profile_changes_nothing() -> None:
    plain, marked = (made(encoded(photograph(), "PNG", **extra)) for extra in ({}, {"icc_profile": SRGB}))
    assert plain.tobytes() == marked.tobytes()


@pytest.mark.parametrize("profile", [b"not a profile", SRGB[:200], gray_profile(1.0), b"x" * 5_000_000])
def test_broken_or_foreign_profile_is_ignored(profile: bytes) -> None:
    found = made(encoded(quarters(), "JPEG", icc_profile=profile, quality=95))
    assert close(corners(found), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
@pytest.mark.parametrize("profile", [None, b"not a profile", SRGB])
def test_cmyk(file_format: str, profile: bytes | None) -> None:
    """Pillow writes CMYK JPEG as Adobe does, inverted; TIFF is not inverted."""
    found = made(encoded(quarters().convert("CMYK"), file_format, icc_profile=profile))
    assert found.mode == "RGB"
    assert close(corners(found), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_profile_is_applied(file_format: str) -> None:
    image = Image.new("CMYK", (200, 200), (255, 0, 0, 0))
    image.paste((0, 0, 0, 0), (100, 0, 200, 200))
    found = made(encoded(image, file_format, icc_profile=red_cyan_profile()))
    assert close([colour(found, 0.25, 0.5), colour(found, 0.75, 0.5)], [(255, 0, 0), WHITE])


def test_adobe_ycck() -> None:
    assert close(corners(made(adobe_ycck(quarters()))), [RED, GREEN, BLUE, WHITE])


def test_lab() -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = to_lab.apply(quarters())
    assert lab.mode == "LAB"
    assert close(corners(made(encoded(lab, "TIFF"))), [RED, GREEN, BLUE, WHITE])
