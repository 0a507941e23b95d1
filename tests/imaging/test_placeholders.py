"""Blurhash, perceptual hash and dominant colours."""

import math

import blurhash
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from sais.errors import InputError
from sais.imaging import Rendition, decode_blurhash, encode_blurhash, render
from sais.imaging.placeholders import perceptual_hash
from sais_models import DEFAULT_PRESETS, PresetSettings
from tests.support.pictures import BLUE, GREEN, RED, decoded, encoded, noise, photograph, quarters, turned

PHOTOGRAPHS = ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"]


def rendered(image: Image.Image, presets: tuple[PresetSettings, ...] = DEFAULT_PRESETS) -> Rendition:
    return render(encoded(image, "PNG"), presets, max_pixels=100_000_000)


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def samples() -> list[Image.Image]:
    photographs = [photograph(name).convert("RGB").resize((32, 32)) for name in PHOTOGRAPHS]
    flat = [Image.new("RGB", (32, 32), color) for color in ((0, 0, 0), (255, 255, 255), (128, 128, 128), RED)]
    return [*photographs, *flat, quarters(32, 32), *(noise(32, 32, seed) for seed in range(12))]


def test_the_same_strings_as_the_package() -> None:
    for image in samples():
        pixels = np.asarray(image)
        assert encode_blurhash(pixels) == blurhash.encode(pixels.tolist(), 4, 3)


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (2, 900), (1, 1)])
def test_always_four_by_three_components(size: tuple[int, int]) -> None:
    found = rendered(noise(*size)).blurhash
    assert len(found) == 28
    assert blurhash.components(found) == (4, 3)


def test_hashes_do_not_hang_on_the_presets() -> None:
    tiny, large = (rendered(photograph(), (PresetSettings(name="p", width=side, height=side),)) for side in (64, 1280))
    assert distance(tiny.phash, large.phash) <= 2
    shown = [np.asarray(decoded(decode_blurhash(found.blurhash, 32, 32)), dtype=np.int16) for found in (tiny, large)]
    assert np.abs(shown[0] - shown[1]).mean() < 3


def test_decoded_blurhash_looks_like_the_picture() -> None:
    image = decoded(decode_blurhash(rendered(quarters()).blurhash, 80, 60))
    assert (image.format, image.size, image.mode) == ("PNG", (80, 60), "RGB")
    top_left, bottom_left = image.getpixel((10, 8)), image.getpixel((10, 52))
    assert isinstance(top_left, tuple)
    assert isinstance(bottom_left, tuple)
    assert top_left[0] > top_left[2]
    assert bottom_left[2] > bottom_left[0]


@pytest.mark.parametrize("wrong", ["", "abc", "LEHV6nWB2yk8pyo0adR*.7kCMdn", "é" * 28, "~" * 28])
def test_a_wrong_blurhash_is_refused(wrong: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_blurhash(wrong, 32, 32)
    assert caught.value.field == "blurhash"


@pytest.mark.parametrize("size", [(0, 10), (10, 100_000)])
def test_a_wrong_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError):
        decode_blurhash("LEHV6nWB2yk8pyo0adR*.7kCMdnj", *size)


def test_phash_is_the_dct_hash() -> None:
    """Against the definition, written out: the signs of the 64 lowest frequencies about their median."""
    pixels = np.asarray(photograph("chelsea.png").convert("RGB").resize((32, 32)))
    grey = (pixels @ [0.299, 0.587, 0.114]).tolist()
    waves = [[math.cos(math.pi * u * (2 * x + 1) / 64) for x in range(32)] for u in range(8)]
    low = [
        sum(grey[y][x] * waves[v][y] * waves[u][x] for y in range(32) for x in range(32))
        for v in range(8)
        for u in range(8)
    ]
    median = (sorted(low)[31] + sorted(low)[32]) / 2
    expected = int("".join("1" if value > median else "0" for value in low), 2)
    assert perceptual_hash(pixels) == f"{expected:016x}"


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_like_pictures_have_like_hashes(name: str) -> None:
    image = photograph(name).convert("RGB")
    original = rendered(image).phash
    smaller = rendered(image.resize((image.width // 2, image.height // 2))).phash
    brighter = rendered(ImageEnhance.Brightness(image).enhance(1.1)).phash
    again = render(encoded(image, "JPEG", quality=50), DEFAULT_PRESETS, max_pixels=10**8).phash
    assert max(distance(original, other) for other in (smaller, brighter, again)) <= 6


def test_unlike_pictures_have_unlike_hashes() -> None:
    hashes = [rendered(photograph(name)).phash for name in PHOTOGRAPHS]
    assert min(distance(a, b) for a in hashes for b in hashes if a != b) > 12
    assert len(set(hashes)) == len(PHOTOGRAPHS)


def test_flat_pictures_have_one_hash() -> None:
    assert len({rendered(Image.new("RGB", (50, 40), (grey,) * 3)).phash for grey in range(1, 256, 17)}) == 1


def test_hashes_see_the_picture_upright() -> None:
    image = photograph("coffee.png").convert("RGB")
    plain, lying = (
        render(turned(image, orientation, quality=95), DEFAULT_PRESETS, max_pixels=10**8) for orientation in (1, 6)
    )
    assert distance(plain.phash, lying.phash) <= 2


def test_dominant_colors() -> None:
    image = Image.new("RGB", (300, 300), GREEN)
    image.paste(RED, (0, 0, 300, 90))
    image.paste(BLUE, (0, 90, 30, 300))
    found = [bytes.fromhex(color[1:]) for color in rendered(image).colors[:3]]
    assert np.abs(np.array([[*color] for color in found]) - [GREEN, RED, BLUE]).max() <= 4


def test_at_most_five_colors_and_one_of_a_flat_picture() -> None:
    assert len(rendered(noise(64, 64)).colors) == 5
    assert rendered(Image.new("RGB", (10, 10), RED)).colors == ["#dc1e1e"]


def test_transparent_pixels_have_no_color() -> None:
    image = Image.new("RGBA", (100, 100), (0, 255, 0, 0))
    image.paste((*RED, 255), (0, 0, 40, 40))
    assert rendered(image).colors[0] == "#dc1e1e"
    assert "#ffffff" not in rendered(image).colors
    assert rendered(Image.new("RGBA", (10, 10), (9, 9, 9, 0))).colors == ["#ffffff"]
