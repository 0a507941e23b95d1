"""Thumbs: their sizes, formats and pixels."""

import io
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sais.errors import FileMissing, StorageError
from sais.imaging import RenderedThumb, Rendition, render
from sais_models import DEFAULT_PRESETS, PresetSettings, ThumbFormat, ThumbMode
from tests.support.pictures import BLUE, GREEN, RED, WHITE, decoded, encoded, noise, photograph, quarters, turned

MAX_PIXELS = 100_000_000
FORMATS = [ThumbFormat.WEBP, ThumbFormat.JPEG, ThumbFormat.PNG, ThumbFormat.AVIF]


def preset(width: int, height: int | None = None, **settings: Any) -> PresetSettings:
    return PresetSettings(name=f"p{width}", width=width, height=height or width, **settings)


def thumb(data: bytes, wanted: PresetSettings) -> RenderedThumb:
    return render(data, [wanted], max_pixels=MAX_PIXELS).thumbs[0]


def near(pixel: Any, color: tuple[int, ...], tolerance: int = 20) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, color, strict=True))


def shows_quarters(image: Image.Image) -> bool:
    image = image.convert("RGB")
    width, height = image.size
    places = [(x * width // 4, y * height // 4) for y in (1, 3) for x in (1, 3)]
    return all(near(image.getpixel(at), color) for at, color in zip(places, (RED, GREEN, BLUE, WHITE), strict=True))


def likeness(one: Image.Image, other: Image.Image) -> float:
    """Mean SSIM over 8 x 8 windows of grey (Wang 2004), 1 for equal pictures."""
    a, b = (_windows(np.asarray(image.convert("L"), dtype=np.float64)) for image in (one, other))
    spread = ((a - a.mean(1, keepdims=True)) * (b - b.mean(1, keepdims=True))).mean(1)
    light = (2 * a.mean(1) * b.mean(1) + 6.5) / (a.mean(1) ** 2 + b.mean(1) ** 2 + 6.5)
    return float((light * (2 * spread + 58.5) / (a.var(1) + b.var(1) + 58.5)).mean())


def _windows(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.lib.stride_tricks.sliding_window_view(grey, (8, 8))[::4, ::4].reshape(-1, 64)


@pytest.mark.parametrize(
    ("source", "box", "expected"),
    [
        ((400, 300), (100, 100), (100, 75)),
        ((300, 400), (100, 100), (75, 100)),
        ((400, 300), (1000, 50), (67, 50)),
        ((40, 30), (100, 100), (40, 30)),
        ((1, 1), (64, 64), (1, 1)),
        ((3000, 1), (64, 64), (64, 1)),
        ((1, 3000), (64, 64), (1, 64)),
        ((2, 2), (1, 1), (1, 1)),
    ],
)
def test_inset_fits_inside_and_never_enlarges(
    source: tuple[int, int], box: tuple[int, int], expected: tuple[int, int]
) -> None:
    for file_format in ("JPEG", "PNG"):
        made = thumb(encoded(noise(*source), file_format), preset(*box))
        assert (made.width, made.height) == expected
        assert decoded(made.data).size == expected


@pytest.mark.parametrize(
    ("source", "box", "expected"),
    [
        ((400, 300), (100, 100), (100, 100)),
        ((300, 400), (100, 50), (100, 50)),
        ((401, 299), (64, 64), (64, 64)),
        ((40, 30), (100, 100), (30, 30)),
        ((40, 300), (100, 100), (40, 40)),
        ((40, 300), (100, 50), (40, 20)),
        ((1, 1), (64, 32), (1, 1)),
        ((3000, 1), (64, 64), (1, 1)),
    ],
)
def test_outbound_fills_the_box_or_keeps_its_shape(
    source: tuple[int, int], box: tuple[int, int], expected: tuple[int, int]
) -> None:
    for file_format in ("JPEG", "PNG"):
        made = thumb(encoded(noise(*source), file_format), preset(*box, mode=ThumbMode.OUTBOUND))
        assert (made.width, made.height) == expected
        assert decoded(made.data).size == expected


def test_outbound_cuts_from_the_centre() -> None:
    image = Image.new("RGB", (400, 100), RED)
    image.paste(GREEN, (150, 0, 250, 100))
    made = decoded(thumb(encoded(image, "PNG"), preset(50, mode=ThumbMode.OUTBOUND, format="png")).data)
    assert near(made.getpixel((3, 25)), GREEN)
    assert near(made.getpixel((46, 25)), GREEN)


@pytest.mark.parametrize("mode", ThumbMode)
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_orientation_is_applied(file_format: str, orientation: int, mode: ThumbMode) -> None:
    data = turned(quarters(480, 360), orientation, file_format)
    made = thumb(data, preset(100, 60, mode=mode))
    assert (made.width, made.height) == ((80, 60) if mode is ThumbMode.INSET else (100, 60))
    assert shows_quarters(decoded(made.data))


@pytest.mark.parametrize("wanted", FORMATS)
def test_formats(wanted: ThumbFormat) -> None:
    made = thumb(encoded(quarters(), "JPEG"), preset(96, format=wanted))
    image = decoded(made.data)
    assert made.mime_type == f"image/{wanted.value}" == Image.MIME[image.format or ""]
    assert shows_quarters(image)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("GIF", "image/webp"),
        ("TIFF", "image/webp"),
        ("BMP", "image/webp"),
    ],
)
def test_original_keeps_what_browsers_show(source: str, kept: str) -> None:
    made = thumb(encoded(quarters(), source), preset(96, format=ThumbFormat.ORIGINAL))
    assert made.mime_type == kept
    assert shows_quarters(decoded(made.data))


def test_quality_is_used() -> None:
    data = encoded(photograph(), "JPEG", quality=95)
    for wanted in (ThumbFormat.WEBP, ThumbFormat.JPEG, ThumbFormat.AVIF):
        low, high = (len(thumb(data, preset(256, format=wanted, quality=q)).data) for q in (20, 90))
        assert low < high * 0.7


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_metadata_is_stripped(source: str, wanted: ThumbFormat) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    options: dict[str, Any] = {"exif": exif, "icc_profile": b"SECRET" * 30, "xmp": b"SECRET", "comment": b"SECRET"}
    data = encoded(quarters(), source, **options)
    assert b"SECRET" in data
    made = thumb(data, preset(96, format=wanted)).data
    assert b"SECRET" not in made
    assert not {"exif", "icc_profile", "xmp", "comment"} & set(decoded(made).info)


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "retina.jpg"])
def test_close_to_a_full_decode(name: str) -> None:
    """The drafted decode and the cascade cost next to nothing in quality."""
    source = photograph(name).convert("RGB").resize((1600, 1200), Image.Resampling.BICUBIC)
    data = encoded(source, "JPEG", quality=85)
    wanted = [
        PresetSettings(name=p.name, width=p.width, height=p.height, format=ThumbFormat.PNG) for p in DEFAULT_PRESETS
    ]
    for made in render(data, wanted, max_pixels=MAX_PIXELS).thumbs:
        reference = decoded(data).resize((made.width, made.height), Image.Resampling.LANCZOS)
        assert likeness(decoded(made.data), reference) >= 0.99


def test_many_presets_come_back_in_their_order_each_with_its_recipe() -> None:
    wanted = [
        preset(64),
        preset(512, format=ThumbFormat.JPEG),
        preset(128, mode=ThumbMode.OUTBOUND),
        preset(192, quality=80),
    ]
    made = render(encoded(quarters(1200, 900), "JPEG"), wanted, max_pixels=MAX_PIXELS).thumbs
    assert [(t.preset, t.recipe) for t in made] == [(p.name, p.recipe) for p in wanted]
    assert [(t.width, t.height) for t in made] == [(64, 48), (512, 384), (128, 128), (192, 144)]
    assert all(shows_quarters(decoded(t.data)) for t in made)


def test_without_presets_there_are_still_hashes() -> None:
    made = render(encoded(quarters(), "JPEG"), [], max_pixels=MAX_PIXELS)
    assert made.thumbs == []
    assert len(made.blurhash) == 28
    assert len(made.phash) == 16


def test_timings_are_cpu_seconds_of_each_step() -> None:
    timings = render(encoded(noise(900, 600), "JPEG"), DEFAULT_PRESETS, max_pixels=MAX_PIXELS).timings
    assert list(timings) == ["decode", "resize", "encode", "hash"]
    assert all(0 < seconds < 10 for seconds in timings.values())


def test_a_path_gives_what_its_bytes_give(tmp_path: Path) -> None:
    data = encoded(quarters(), "JPEG")
    (tmp_path / "x").write_bytes(data)
    from_path = render(tmp_path / "x", [preset(64)], max_pixels=MAX_PIXELS)
    assert from_path.thumbs == render(data, [preset(64)], max_pixels=MAX_PIXELS).thumbs
    with pytest.raises(FileMissing):
        render(tmp_path / "nothing", [preset(64)], max_pixels=MAX_PIXELS)
    with pytest.raises(StorageError):
        render(tmp_path, [preset(64)], max_pixels=MAX_PIXELS)


def test_renders_in_a_worker_process() -> None:
    data = encoded(quarters(), "JPEG")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        made = pool.submit(render, data, [preset(64)], max_pixels=MAX_PIXELS).result()
        failure = pool.submit(render, data[:-200], [preset(64)], max_pixels=MAX_PIXELS).exception()
    assert isinstance(made, Rendition)
    assert made.thumbs == render(data, [preset(64)], max_pixels=MAX_PIXELS).thumbs
    assert getattr(failure, "reason", None) == "corrupt"
    assert pickle.loads(pickle.dumps(made)) == made


def test_first_frame_of_an_animation() -> None:
    frames = [quarters(), Image.new("RGB", (400, 300), GREEN)]
    for file_format in ("GIF", "WEBP", "PNG", "AVIF", "TIFF"):
        buffer = io.BytesIO()
        frames[0].save(buffer, file_format, save_all=True, append_images=frames[1:], duration=100)
        assert decoded(buffer.getvalue()).n_frames == 2  # type: ignore[attr-defined]
        assert shows_quarters(decoded(thumb(buffer.getvalue(), preset(96)).data))
