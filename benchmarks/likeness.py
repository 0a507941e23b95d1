"""How like a thumb is to the best that there could be: LANCZOS from a full decode, before any encoding."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity


@dataclass(frozen=True)
class Likeness:
    """`ssim` of the lightness, 0 to 1; `psnr` over the three colours, in dB."""

    ssim: float
    psnr: float

    @classmethod
    def mean(cls, several: "Sequence[Likeness]") -> "Likeness":
        return cls(fmean(each.ssim for each in several), fmean(each.psnr for each in several))


def likeness(thumb: Path, source: Path) -> Likeness:
    """Of a thumb to its source, at the thumb's own size."""
    with Image.open(thumb) as picture:
        made = picture.convert("RGB")
    with Image.open(source) as picture:
        best = picture.convert("RGB").resize(made.size, Image.Resampling.LANCZOS)
    pair = [np.asarray(each.convert("L")) for each in (made, best)]
    ssim = structural_similarity(*pair, data_range=255)  # type: ignore[no-untyped-call]
    error = float(np.mean((np.asarray(made, np.float64) - np.asarray(best, np.float64)) ** 2))
    return Likeness(float(ssim), float(10 * np.log10(255**2 / max(error, 1e-4))))
