"""Scaling by vector instructions gives the picture that Pillow gives."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sais.imaging.resizing import resized
from tests.support.pictures import photograph

MODES = ["L", "RGB", "RGBA", "CMYK", "LAB"]
LANCZOS = Image.Resampling.LANCZOS

# A fresh interpreter, as on a machine for which there is no wheel.
WITHOUT = """
import sys
sys.modules["cykooz_resizer"] = None
from PIL import Image
from sais.imaging.resizing import resized
resized(Image.open(sys.argv[1]), (190, 141), (10.5, 3, 500.25, 311)).save(sys.argv[2])
"""


def picture(mode: str) -> Image.Image:
    """512 x 512, from opaque on the left to transparent on the right where there is alpha."""
    image = photograph("astronaut.png").convert("RGB")
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").rotate(90).resize(image.size))
    return Image.merge("LAB", image.split()) if mode == "LAB" else image.convert(mode)


def same(one: Image.Image, other: Image.Image) -> bool:
    """As they are seen: nobody sees the colour of what is all but transparent. They cut what rings above 255 or below 0
    at different times, which leaves a few values on the sharpest edges apart."""
    values = [np.asarray(image.convert("RGBa") if image.mode == "RGBA" else image, dtype=int) for image in (one, other)]
    assert values[0].shape == values[1].shape
    apart = np.abs(values[0] - values[1])
    return bool((apart > 1).mean() < 0.01 and apart.max() < 16)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("box", [None, (10.5, 3.0, 500.25, 311.0)])
def test_as_pillow_does_it(mode: str, box: tuple[float, float, float, float] | None) -> None:
    image = picture(mode)
    made = resized(image, (190, 141), box)
    assert made.mode == image.mode
    assert same(made, image.resize((190, 141), LANCZOS, box))


@pytest.mark.parametrize(("size", "wanted"), [((2000, 1), (500, 1)), ((1, 2000), (1, 3)), ((1, 1), (32, 32))])
def test_a_picture_of_one_pixel_s_width(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    image = picture("RGB").resize(size)
    assert same(resized(image, wanted), image.resize(wanted, LANCZOS))


def test_the_part_of_a_row_that_belongs_to_the_picture() -> None:
    """A picture of 9 x 4000 pixels at 1/8 is 2 x 500, of which 1.125 are the picture's."""
    image = picture("RGB").resize((2, 500))
    assert resized(image, (1, 250), (0, 0, 1.125, 500)).size == (1, 250)


def test_what_is_transparent_does_not_shine_through() -> None:
    image = Image.new("RGBA", (400, 400), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 200, 400))
    red, _, blue, alpha = np.moveaxis(np.asarray(resized(image, (40, 40))), 2, 0)
    assert red[alpha > 8].max() == 0
    assert blue[alpha > 8].min() == 255


def test_without_a_wheel_pillow_does_it(tmp_path: Path) -> None:
    image = picture("RGB")
    source, target = tmp_path / "source.png", tmp_path / "target.png"
    image.save(source)
    subprocess.run([sys.executable, "-c", WITHOUT, source, target], check=True)
    with Image.open(target) as made:
        assert same(made, resized(image, (190, 141), (10.5, 3, 500.25, 311)))
