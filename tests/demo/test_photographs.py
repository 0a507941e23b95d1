"""The demo's photographs are what the demo says they are."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from sais.demo.photographs import AS_BUNDLED, ENLARGEMENTS, DemoPhotograph, make_photographs
from sais.demo.sources import SOURCES, pictures_folder


@pytest.fixture(scope="module")
def photographs() -> list[DemoPhotograph]:
    return make_photographs()


def opened(photograph: DemoPhotograph) -> ImageFile:
    assert photograph.data is not None
    return Image.open(BytesIO(photograph.data))


def named(photographs: list[DemoPhotograph], path: str) -> DemoPhotograph:
    return next(photograph for photograph in photographs if photograph.path == path)


def test_at_least_24_become_thumbs_and_all_are_distinct(photographs: list[DemoPhotograph]) -> None:
    good = [photograph for photograph in photographs if photograph.expectation.marking == "resized"]
    assert len(good) >= 24
    assert len({photograph.data for photograph in good}) == len(good)
    assert len({photograph.path for photograph in photographs}) == len(photographs)


def test_no_two_show_the_same_picture(photographs: list[DemoPhotograph]) -> None:
    """But for the three that are there for their encoding or their origin."""
    special = {"cat-turned.jpg", "coffee-cmyk.jpg", "astronaut-from-busy-origin.jpg", "launch-torn.jpg"}
    shown = [opened(photograph) for photograph in photographs if photograph.data and photograph.path not in special]
    small = {picture.convert("L").resize((8, 8)).tobytes() for picture in shown}
    assert len(small) == len(shown)


def test_bytes_mime_type_and_name_agree(photographs: list[DemoPhotograph]) -> None:
    formats = set()
    for photograph in photographs:
        if photograph.data:
            picture = opened(photograph)
            assert photograph.mime == picture.get_format_mimetype()
            assert (
                Path(photograph.path).suffix == {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}[picture.format or ""]
            )
            formats.add(picture.format)
    assert formats == {"JPEG", "PNG", "WEBP"}


def test_each_displays_at_the_expected_size(photographs: list[DemoPhotograph]) -> None:
    for photograph in photographs:
        if photograph.expectation.marking == "resized":
            picture = ImageOps.exif_transpose(opened(photograph))
            picture.load()
            assert picture.size == photograph.expectation.displayed, photograph.path


def test_the_turned_one_is_stored_lying_and_displays_upright(photographs: list[DemoPhotograph]) -> None:
    stored = opened(named(photographs, "cat-turned.jpg"))
    assert stored.getexif()[0x0112] == 6
    assert stored.height > stored.width
    upright = ImageOps.exif_transpose(stored).convert("L").resize((16, 16))
    bundled = opened(named(photographs, "cat.png")).convert("L").resize((16, 16))
    difference = [abs(a - b) for a, b in zip(upright.tobytes(), bundled.tobytes(), strict=True)]
    assert max(difference) < 12


def test_one_is_cmyk(photographs: list[DemoPhotograph]) -> None:
    modes = [opened(photograph).mode for photograph in photographs if photograph.data]
    assert modes.count("CMYK") == 1
    assert {"RGB", "L", "RGBA"} <= set(modes)


def test_the_torn_one_looks_like_a_jpeg_and_cannot_be_decoded(photographs: list[DemoPhotograph]) -> None:
    torn = named(photographs, "launch-torn.jpg")
    assert (torn.expectation.marking, torn.expectation.reason) == ("failed", "corrupt")
    picture = opened(torn)
    assert picture.format == "JPEG"
    with pytest.raises(OSError, match="truncated"):
        picture.load()


def test_one_is_missing_and_one_comes_from_a_busy_origin(photographs: list[DemoPhotograph]) -> None:
    missing = [photograph for photograph in photographs if photograph.data is None]
    assert [photograph.expectation.reason for photograph in missing] == ["http_404"]
    assert [photograph.busy_answers for photograph in photographs if photograph.busy_answers] == [2]


def test_the_same_bytes_again(photographs: list[DemoPhotograph]) -> None:
    assert make_photographs() == photographs


def test_only_pictures_that_anybody_may_use() -> None:
    assert {*AS_BUNDLED.values(), *(enlargement.source for enlargement in ENLARGEMENTS)} == SOURCES.keys()
    allowed = {"public domain", "CC0", "no known copyright restrictions"}
    for source in SOURCES.values():
        assert source.licence in allowed
        assert (pictures_folder() / source.file).is_file()
