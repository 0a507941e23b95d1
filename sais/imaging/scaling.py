"""From a picture's bytes to every size that is needed: one decode, and each size from the next larger one."""

from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image
from PIL.ImageFile import ImageFile

from sais.imaging.colour import resizable, to_srgb
from sais.imaging.exif import lying, orientation, upright
from sais.imaging.geometry import Size
from sais.imaging.resizing import Box, resized

# libjpeg decodes at 1/2, 1/4 or 1/8 for almost nothing, but crudely. The gap says how much there must be left to scale.
# Mean (worst) SSIM of the lightness at 512 pixels against LANCZOS from a full decode, and CPU ms of decoding and
# scaling; 50 photographs of 0.5 to 4 megapixels:
#   1: 0.9957 (0.9835) 4.7 ms       1.1: 0.9967 (0.9900) 4.8 ms
#   1.25: 0.9974 (0.9932) 5.1 ms    1.5: 0.9979 (0.9955) 5.5 ms
# 1.1 avoids the bad case of 1, where libjpeg alone makes the final size. See docs/decisions/0033.
DRAFT_GAP = 1.1


@dataclass(frozen=True)
class Decoded:
    """Pixels as stored (not turned, own colour space), perhaps drafted; `box` is the picture's exact extent in them."""

    image: Image.Image
    box: Box
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


def cascade(decoded: Decoded, sizes: Iterable[Size]) -> dict[Size, Image.Image]:
    """The whole picture at each size, upright and in sRGB. Sizes are as displayed, the largest first.

    Turning and colour come after the first resize: they cost by the pixel, and turning before draft() would decode all.
    """
    levels: dict[Size, Image.Image] = {}
    level: Image.Image | None = None
    for size in sizes:
        level = _first_level(decoded, size) if level is None else resized(level, size)
        levels[size] = level
    return levels


def _first_level(decoded: Decoded, size: Size) -> Image.Image:
    image = resized(decoded.image, lying(size, decoded.turn), decoded.box)
    return to_srgb(upright(image, decoded.turn), decoded.profile)
