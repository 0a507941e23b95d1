"""From a picture's bytes to every size that is needed: one decode, and each size from the next larger one."""

from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image
from PIL.ImageFile import ImageFile

from sais.imaging.colour import resizable, to_srgb
from sais.imaging.exif import lying, orientation, upright
from sais.imaging.geometry import Size

# libjpeg decodes at 1/2, 1/4 or 1/8 for almost nothing, but crudely. The gap says how much resize() still has to do.
# Mean (worst) SSIM of the lightness at 512 pixels against LANCZOS from a full decode, and CPU ms of decoding and
# scaling; 40 photographs of 0.5 to 4 megapixels:
#   gap:       1                        1.1                      1.25
#   HAMMING    0.989 (0.966)   8.8 ms   0.992 (0.981)   9.5 ms   0.993 (0.987)  10.6 ms
#   BICUBIC    0.994 (0.982)  11.0 ms   0.995 (0.987)  12.1 ms   0.997 (0.993)  13.0 ms
# 1.1 avoids the bad case of 1, where libjpeg alone makes the final size, and most of 1.25's full decodes.
DRAFT_GAP = 1.1
# The same trade inside resize() where a step shrinks 4 times or more: SSIM 0.999 in a quarter of the time.
REDUCING_GAP = 2.0
# Encoding loses ten times as much as HAMMING (WebP of quality 68: 0.93), but little at the highest qualities (JPEG of
# 95: 0.98): for these the finer one. See docs/decisions/0033.
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
