"""Which size a picture becomes in a box. Pure arithmetic, in pixels as displayed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # sais_models brings SQLAlchemy: 0.65 s to import, and this package takes 0.2 s
    from sais_models import PresetSettings

Size = tuple[int, int]
Box = tuple[int, int, int, int]

LONGEST_SIDE = 16_383  # WebP's own limit; a preset may say 16,384


@dataclass(frozen=True)
class Fit:
    """The whole picture is scaled to `scaled`; then `crop` (left, top, right, bottom) is cut out of it, if any."""

    scaled: Size
    crop: Box | None = None


def fit(source: Size, preset: "PresetSettings") -> Fit:
    """How a picture of `source` pixels goes into the preset's box. Nothing is ever enlarged; sides are at least 1."""
    box = (min(preset.width, LONGEST_SIDE), min(preset.height, LONGEST_SIDE))
    return _outbound(source, box) if preset.mode == "outbound" else Fit(fit_inside(source, box))


def fit_inside(source: Size, box: Size) -> Size:
    """The largest size of the source's shape that fits inside the box."""
    return _scaled(source, min(box[0] / source[0], box[1] / source[1]))


def _outbound(source: Size, box: Size) -> Fit:
    """Fill the box; a source smaller than the box keeps its scale and is cut to the box's shape."""
    scaled = _scaled(source, max(box[0] / source[0], box[1] / source[1]))
    shrink = min(1.0, scaled[0] / box[0], scaled[1] / box[1])
    width, height = _scaled(box, shrink)
    if (width, height) == scaled:
        return Fit(scaled)
    left, top = (scaled[0] - width) // 2, (scaled[1] - height) // 2
    return Fit(scaled, (left, top, left + width, top + height))


def _scaled(size: Size, scale: float) -> Size:
    scale = min(1.0, scale)
    return max(1, int(size[0] * scale + 0.5)), max(1, int(size[1] * scale + 0.5))
