"""Many thumbs in one small picture."""

import pytest
from PIL import Image

from sais.imaging import contact_sheet
from tests.support.pictures import RED, decoded, encoded, noise, photograph, quarters


def near(pixel: object, color: tuple[int, ...]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= 25 for a, b in zip(pixel, color, strict=True))


def test_cells_lie_row_by_row() -> None:
    red, wide = encoded(Image.new("RGB", (300, 300), RED), "WEBP"), encoded(quarters(), "PNG")
    sheet = decoded(contact_sheet([wide, red, wide], columns=2, cell=50))
    assert sheet.size == (2 * 54 + 4, 2 * 54 + 4)
    assert near(sheet.getpixel((54 + 29, 29)), RED)
    assert near(sheet.getpixel((10, 15)), RED)
    assert near(sheet.getpixel((10, 54 + 15)), RED)
    assert near(sheet.getpixel((54 + 29, 54 + 29)), (255, 255, 255))


@pytest.mark.parametrize("broken", [b"", b"<html>", encoded(quarters(), "JPEG")[:900], encoded(quarters(), "PNG")[:60]])
def test_a_broken_thumb_is_a_grey_cell(broken: bytes) -> None:
    sheet = decoded(contact_sheet([broken, encoded(Image.new("RGB", (96, 96), RED), "PNG")]))
    assert near(sheet.getpixel((50, 50)), (192, 192, 192))
    assert near(sheet.getpixel((150, 50)), RED)


def test_transparency_and_grey() -> None:
    hidden, grey = Image.new("RGBA", (96, 96), (0, 0, 0, 0)), Image.new("L", (96, 96), 90)
    sheet = decoded(contact_sheet([encoded(hidden, "PNG"), encoded(grey, "PNG")]))
    assert near(sheet.getpixel((50, 50)), (255, 255, 255))
    assert near(sheet.getpixel((150, 50)), (90, 90, 90))


def test_small_enough_for_a_data_uri() -> None:
    photographs = [
        encoded(photograph(name).convert("RGB").resize((192, 144)), "WEBP") for name in ("astronaut.png", "cell.png")
    ]
    worst = [encoded(noise(96, 96, seed), "PNG") for seed in range(64)]
    for thumbs in (photographs * 32, worst):
        data = contact_sheet(thumbs)
        assert len(data) * 4 / 3 <= 150_000
        assert decoded(data).size == (804, 804)


def test_none_and_too_many() -> None:
    assert decoded(contact_sheet([])).size == (804, 104)
    assert decoded(contact_sheet([b""] * 2000, columns=1, cell=20)).height <= 16_383
