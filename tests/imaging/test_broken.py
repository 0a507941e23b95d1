"""No bytes whatever make anything but a MediaError."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from sais.errors import CorruptImage, MediaError, NotAnImage, TooBig
from sais.imaging import contact_sheet, inspect, render
from sais.imaging.opening import pillow_errors
from sais_models import PresetSettings
from tests.support.pictures import encoded, noise, quarters, turned

MAX_PIXELS = 1_000_000
PRESETS = [
    PresetSettings(name="inset", width=32, height=32),
    PresetSettings(name="outbound", width=16, height=24, mode="outbound", format="jpeg"),
]
FILES = {name: encoded(noise(48, 40), name) for name in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")}
SEEDS = [
    *FILES.values(),
    turned(noise(48, 40), 6),
    encoded(noise(48, 40), "JPEG", progressive=True),
    encoded(noise(48, 40).convert("CMYK"), "JPEG"),
    encoded(noise(48, 40).convert("P"), "PNG", transparency=3),
    encoded(noise(48, 40), "TIFF", compression="tiff_lzw"),
    encoded(noise(48, 40), "WEBP", lossless=True),
]

quick = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def survives(data: bytes, folder: Path) -> None:
    path = folder / "original"
    path.write_bytes(data)
    for step in _steps(path, data):
        try:
            step()
        except MediaError as error:
            assert error.reason in {"corrupt", "not_image", "too_many_pixels"}


def _steps(path: Path, data: bytes) -> list[Callable[[], object]]:
    return [
        lambda: inspect(path, max_pixels=MAX_PIXELS),
        lambda: render(data, PRESETS, max_pixels=MAX_PIXELS),
        lambda: contact_sheet([data], columns=1, cell=16),
    ]


@quick
@given(data=st.binary(max_size=400))
def test_random_bytes(data: bytes, tmp_path: Path) -> None:
    survives(data, tmp_path)


@quick
@given(seed=st.sampled_from(SEEDS), tail=st.binary(max_size=400), keep=st.integers(8, 60))
def test_a_real_beginning_and_random_bytes(seed: bytes, tail: bytes, keep: int, tmp_path: Path) -> None:
    survives(seed[:keep] + tail, tmp_path)


@quick
@given(seed=st.sampled_from(SEEDS), share=st.floats(0, 1))
def test_truncations(seed: bytes, share: float, tmp_path: Path) -> None:
    survives(seed[: int(len(seed) * share)], tmp_path)


@quick
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_flipped_bytes(seed: bytes, changes: list[tuple[int, int]], tmp_path: Path) -> None:
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    survives(bytes(data), tmp_path)


@pytest.mark.parametrize("file_format", FILES)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_half_a_picture_is_corrupt(file_format: str, share: float) -> None:
    data = FILES[file_format]
    with pytest.raises(CorruptImage) as caught:
        render(data[: int(len(data) * share)], PRESETS, max_pixels=MAX_PIXELS)
    assert caught.value.reason == "corrupt"
    assert not caught.value.retryable


def test_a_truncated_photograph_is_corrupt_however_small_the_thumb() -> None:
    data = encoded(quarters(1600, 1200), "JPEG")
    with pytest.raises(CorruptImage):
        render(data[: len(data) * 2 // 3], PRESETS, max_pixels=MAX_PIXELS * 2)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("data", [b"", b"<html>", b"ID3\x04" + bytes(50)])
def test_render_refuses_what_is_no_image(data: bytes) -> None:
    with pytest.raises(NotAnImage):
        render(data, PRESETS, max_pixels=MAX_PIXELS)


def test_render_refuses_too_many_pixels_before_decoding() -> None:
    data = bytearray(FILES["PNG"])
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    with pytest.raises((TooBig, CorruptImage)):
        render(bytes(data), PRESETS, max_pixels=MAX_PIXELS)
    with pytest.raises(TooBig) as caught:
        render(encoded(Image.new("L", (1001, 1000)), "PNG"), PRESETS, max_pixels=MAX_PIXELS)
    assert caught.value.reason == "too_many_pixels"


def test_no_memory_is_worth_another_try() -> None:
    with pytest.raises(MediaError) as caught, pillow_errors():
        raise MemoryError
    assert caught.value.reason == "out_of_memory"
    assert caught.value.retryable


def test_a_frame_larger_than_pillow_takes_is_too_big() -> None:
    """A GIF of 1 x 1 whose first frame says 65,535 x 65,535."""
    buffer = io.BytesIO()
    Image.new("P", (1, 1)).save(buffer, "GIF")
    data = bytearray(buffer.getvalue())
    at = data.index(b",")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(MediaError):
        render(bytes(data), PRESETS, max_pixels=MAX_PIXELS)
