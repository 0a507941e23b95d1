"""From a picture's bytes to every size that is needed: one decode, and each size from the next larger one."""

from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image
from PIL.ImageFile import ImageFile

from sais.imaging.colour import resizable, to_srgb
from sais.imaging.exif import lying, orientation, upright
from sais.imaging.geometry import Size

# libjpeg decodes at 1/2, 1/4 or 1/8 for almost nothing, but crudely. The gap says how much resize() still has to do.
# Mean (worst) SSIM against a full decode, and CPU ms of decode and resize by LANCZOS; 37 photographs, two shared cores:
#   1536 px to 192:  gap 1: 0.993 (0.946) 2.5 ms   1.25: 0.998 (0.988) 3.5 ms   1.5: 0.998 (0.988) 3.6 ms
#   1100 px to 512:  gap 1: 0.990 (0.928) 5.5 ms   1.25: 1.000 (1.000)  13 ms   1.5: 1.000 (1.000)  13 ms
#   1414 to 1632 px to 512, then 192:   1 and 1.25: 0.996 (0.965) 12 ms         1.5: 0.998 (0.965)  19 ms
# 1.25 avoids the bad case of 1 (libjpeg alone makes the final size) and 1.5's full decode of the commonest sizes.
DRAFT_GAP = 1.25
# The same trade inside resize() where a step shrinks 4 times or more: SSIM 0.999 in a quarter of the time.
REDUCING_GAP = 2.0
# Mean (worst) SSIM of 512 and of 192 pixels against LANCZOS from a full decode, CPU ms of both steps; 34 photographs:
#   LANCZOS  0.998 (0.993)  0.999 (0.997)  12.1 ms
#   BICUBIC  0.996 (0.992)  0.997 (0.994)   8.1 ms
#   HAMMING  0.993 (0.986)  0.991 (0.980)   5.2 ms
# Encoding loses ten times as much (WebP of quality 68: 0.934), but little at the highest qualities (JPEG of 95: 0.98):
# for these the finer one. See docs/decisions/0033.
FILTER = Image.Resampling.HAMMING
FINE_FILTER = Image.Resampling.BICUBIC


@dataclass(frozen=True)
class Decoded:
    """Pixels as stored (not turned, own colour space), perhaps drafted; `box` is the picture's exact extent in them."""

    image: Image.Image
    box: tuple[float, float, float, float]
    turn: int
    profile: bytes | None


def decode(picture: ImageFile, largest: Size) -> Decoded:
    """Decode an opened picture, as small as `largest` (in pixels as displayed) allows. Raises what Pillow raises."""
    turn, profile = orientation(picture), picture.info.get("icc_profile")
    width, height = (max(1, int(side * DRAFT_GAP)) for side in lying(largest, turn))
    drafted = picture.draft(None, (width, height))
    picture.load()
    image = resizable(picture)
    image.info = {}  # or save() would copy comment, palette transparency and profile into the thumbs
    return Decoded(image, drafted[1] if drafted else (0, 0, *image.size), turn, profile)


def cascade(decoded: Decoded, sizes: Iterable[Size], *, fine: bool = False) -> dict[Size, Image.Image]:
    """The whole picture at each size, upright and in sRGB. Sizes are as displayed, the largest first. `fine` takes half
    as long again.

    Turning and colour come after the first resize: they cost by the pixel, and turning before draft() would decode all.
    """
    levels: dict[Size, Image.Image] = {}
    level: Image.Image | None = None
    kernel = FINE_FILTER if fine else FILTER
    for size in sizes:
        level = _first_level(decoded, size, kernel) if level is None else _resized(level, size, kernel)
        levels[size] = level
    return levels


def _first_level(decoded: Decoded, size: Size, kernel: Image.Resampling) -> Image.Image:
    image = _resized(decoded.image, lying(size, decoded.turn), kernel, decoded.box)
    return to_srgb(upright(image, decoded.turn), decoded.profile)


def _resized(
    image: Image.Image, size: Size, kernel: Image.Resampling, box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, kernel, box, REDUCING_GAP)
