"""What makes it quick: JPEG is decoded small, once; each size comes from the next larger one."""

import io

import pytest

from sais.imaging.opening import open_picture
from sais.imaging.scaling import cascade, decode
from tests.support.pictures import quarters, turned


@pytest.mark.parametrize(
    ("largest", "orientation", "stored"),
    [
        ((1280, 960), 1, (1600, 1200)),
        ((800, 600), 1, (1600, 1200)),  # at 1/2 there would be nothing left for resize() to do
        ((700, 525), 1, (800, 600)),
        ((192, 144), 1, (400, 300)),
        ((64, 48), 1, (200, 150)),
        ((192, 144), 6, (300, 400)),
        ((64, 48), 8, (150, 200)),
    ],
)
def test_jpeg_is_decoded_no_larger_than_needed(
    largest: tuple[int, int], orientation: int, stored: tuple[int, int]
) -> None:
    picture = open_picture(io.BytesIO(turned(quarters(1600, 1200), orientation)), max_pixels=10**8)
    decoded = decode(picture, largest)
    assert decoded.image.size == stored
    level = cascade(decoded, [largest])[largest]
    assert level.size == largest


def test_a_long_picture_lying_on_its_side_is_drafted_by_its_own_axes() -> None:
    picture = open_picture(io.BytesIO(turned(quarters(1600, 400), 6)), max_pixels=10**8)
    assert decode(picture, (200, 50)).image.size == (100, 400)


def test_a_drafted_picture_keeps_its_exact_extent() -> None:
    """1001 pixels at a quarter are 250.25, decoded as 251: the last column is not the picture's."""
    picture = open_picture(io.BytesIO(turned(quarters(1001, 801), 1)), max_pixels=10**8)
    decoded = decode(picture, (192, 154))
    assert decoded.image.size == (251, 201)
    assert decoded.box == (0, 0, 250.25, 200.25)
