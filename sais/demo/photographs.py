"""The demo's photographs and what should become of each; the same bytes on every call with one Pillow."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from PIL import Image

from sais.demo.sources import picture_path

Box = tuple[float, float, float, float]
WHOLE: Box = (0, 0, 1, 1)
EXIF_ORIENTATION = 0x0112
TURN_RIGHT_TO_DISPLAY = 6
MIME_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
FORMATS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


@dataclass(frozen=True)
class Expectation:
    """What the media's row must say in the end; `displayed` is width and height in pixels, EXIF applied."""

    marking: str = "resized"
    reason: str | None = None
    displayed: tuple[int, int] | None = None


@dataclass(frozen=True)
class DemoPhotograph:
    """`path` under the origin; no `data` is a 404; the first `busy_answers` requests get a 503."""

    path: str
    data: bytes | None = field(repr=False)
    mime: str
    expectation: Expectation
    busy_answers: int = 0


@dataclass(frozen=True)
class Enlargement:
    """A part of a source, in fractions of its sides (left, top, right, bottom), made `width` pixels wide."""

    name: str
    source: str
    box: Box
    width: int


# File names under the origin, and the sources whose bundled bytes they are.
AS_BUNDLED = {
    "astronaut.png": "astronaut",
    "brick-wall.png": "brick",
    "cat.png": "chelsea",
    "coins.png": "coins",
    "cup-of-coffee.png": "coffee",
    "deep-field.jpg": "hubble",
    "horse.png": "horse",
    "launch.jpg": "rocket",
    "photographer.png": "camera",
    "retina.jpg": "retina",
}

ENLARGEMENTS = (
    Enlargement("cat-face.jpg", "chelsea", (0.2, 0.0, 0.8, 0.9), 1200),
    Enlargement("clock.jpg", "clock", WHOLE, 1200),
    Enlargement("coins-row.jpg", "coins", (0.0, 0.0, 1.0, 0.3), 1536),
    Enlargement("eileen-collins.jpg", "astronaut", (0.25, 0.0, 0.65, 0.5), 1000),
    Enlargement("espresso.jpg", "coffee", (0.25, 0.1, 0.85, 0.95), 1200),
    Enlargement("galaxies.jpg", "hubble", (0.5, 0.4, 1.0, 0.9), 1400),
    Enlargement("lawn.jpg", "grass", WHOLE, 1024),
    Enlargement("optic-disc.jpg", "retina", (0.0, 0.25, 0.5, 0.75), 1200),
    Enlargement("pad-lights.jpg", "rocket", (0.0, 0.6, 1.0, 1.0), 1400),
    Enlargement("tissue.jpg", "tissue", WHOLE, 1280),
    Enlargement("blue-galaxies.webp", "hubble", (0.0, 0.0, 0.5, 0.6), 1200),
    Enlargement("bricks.webp", "brick", (0.0, 0.0, 0.7, 0.5), 1100),
    Enlargement("cat-eyes.webp", "chelsea", (0.3, 0.2, 0.75, 0.55), 1000),
    Enlargement("glands.webp", "tissue", (0.1, 0.1, 0.6, 0.8), 900),
    Enlargement("gravel.webp", "gravel", WHOLE, 1024),
    Enlargement("shuttle.webp", "astronaut", (0.62, 0.0, 1.0, 0.55), 800),
    Enlargement("tower.webp", "rocket", (0.4, 0.1, 0.9, 0.9), 900),
    Enlargement("tripod.webp", "camera", (0.2, 0.15, 0.8, 0.95), 1000),
)


def make_photographs() -> list[DemoPhotograph]:
    """31 photographs that become thumbs, a torn file and one that is not there; about 1 CPU second."""
    return [*bundled(), *enlarged(), turned(), four_colours(), busy(), torn(), missing()]


def bundled() -> Iterator[DemoPhotograph]:
    for name, source in AS_BUNDLED.items():
        path = picture_path(source)
        with Image.open(path) as picture:
            yield resized(name, path.read_bytes(), picture.size)


def enlarged() -> Iterator[DemoPhotograph]:
    for enlargement in ENLARGEMENTS:
        picture = enlarge(enlargement)
        yield resized(enlargement.name, encoded(picture, enlargement.name), picture.size)


def turned() -> DemoPhotograph:
    """Stored lying on its left side, as a camera held upright stores it; EXIF says: turn right to display."""
    name = "cat-turned.jpg"
    upright = enlarge(Enlargement(name, "chelsea", WHOLE, 1200))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURN_RIGHT_TO_DISPLAY
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    return resized(name, encoded(stored, name, exif=exif), upright.size)


def four_colours() -> DemoPhotograph:
    """CMYK, as a printer's archive has them."""
    name = "coffee-cmyk.jpg"
    picture = enlarge(Enlargement(name, "coffee", (0.0, 0.0, 0.8, 1.0), 1000)).convert("CMYK")
    return resized(name, encoded(picture, name), picture.size)


def busy() -> DemoPhotograph:
    """From an origin that is overloaded at first."""
    name = "astronaut-from-busy-origin.jpg"
    picture = enlarge(Enlargement(name, "astronaut", WHOLE, 1024))
    return resized(name, encoded(picture, name), picture.size, busy_answers=2)


def torn() -> DemoPhotograph:
    """The first third of a JPEG: a good header, and no end."""
    data = picture_path("rocket").read_bytes()
    return DemoPhotograph(
        "launch-torn.jpg", data[: len(data) // 3], MIME_TYPES[".jpg"], Expectation("failed", "corrupt")
    )


def missing() -> DemoPhotograph:
    return DemoPhotograph("lost.jpg", None, MIME_TYPES[".jpg"], Expectation("failed", "http_404"))


def resized(name: str, data: bytes, displayed: tuple[int, int], busy_answers: int = 0) -> DemoPhotograph:
    mime = MIME_TYPES[Path(name).suffix]
    return DemoPhotograph(name, data, mime, Expectation(displayed=displayed), busy_answers)


def enlarge(enlargement: Enlargement) -> Image.Image:
    with Image.open(picture_path(enlargement.source)) as picture:
        left, top, right, bottom = enlargement.box
        width, height = picture.size
        part = picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))
    size = (enlargement.width, round(enlargement.width * part.height / part.width))
    return part.resize(size, Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, name: str, exif: Image.Exif | None = None) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, FORMATS[Path(name).suffix], quality=85, exif=exif or Image.Exif())
    return buffer.getvalue()
