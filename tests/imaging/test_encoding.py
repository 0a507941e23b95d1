"""What a thumb's bytes are worth."""

import pytest

from sais.imaging.encoding import encode
from tests.support.pictures import encoded, photograph


@pytest.mark.parametrize(("quality", "optimised"), [(68, True), (89, True), (90, False), (95, False)])
def test_jpeg_is_optimised_where_that_saves_bytes_worth_its_time(quality: int, optimised: bool) -> None:
    picture = photograph()
    thumb = encode(picture, "jpeg", quality)
    assert thumb == encoded(picture, "JPEG", quality=quality, optimize=optimised)
