"""The same thumbs by pyvips and by OpenCV, in the virtual environment that has them, and as they are quickest.

python -m benchmarks.other_imaging pyvips|opencv      see child.py
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.child import serve
from benchmarks.imaging_order import MEDIUM, QUALITY, SMALL, Imaging, handler

# As SAIS' encoder: Pillow's `method` is libvips' `effort`.
EFFORT = 2


def pyvips_imaging() -> Imaging:
    """libvips' own shrink on load; the small thumb is made of the medium one. One thread: CPU is what counts."""
    os.environ["VIPS_CONCURRENCY"] = "1"
    import pyvips

    def medium(file: Path) -> Any:
        return pyvips.Image.thumbnail(str(file), MEDIUM, height=MEDIUM, size="down").copy_memory()

    def make(file: Path) -> list[bytes]:
        first = medium(file)
        second = first.thumbnail_image(SMALL, height=SMALL, size="down")
        return [image.webpsave_buffer(Q=QUALITY, effort=EFFORT) for image in (first, second)]

    return Imaging(make, lambda file, place: medium(file).pngsave(str(place)))


def opencv_imaging() -> Imaging:
    """JPEG decoded at 1/2, 1/4 or 1/8 where that is still large enough, INTER_AREA; WebP as OpenCV's encoder has it."""
    import cv2

    cv2.setNumThreads(1)
    reduced = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}

    def opened(file: Path) -> Any:
        if file.suffix != ".jpg":
            return cv2.imread(str(file), cv2.IMREAD_COLOR)
        longest = max(_jpeg_size(file))
        fitting = [divisor for divisor in reduced if longest // divisor >= MEDIUM]
        return cv2.imread(str(file), reduced[max(fitting)] if fitting else cv2.IMREAD_COLOR)

    def resized(image: Any, side: int) -> Any:
        share = min(1.0, side / max(image.shape[:2]))
        width, height = (max(1, round(length * share)) for length in (image.shape[1], image.shape[0]))
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)

    def make(file: Path) -> list[bytes]:
        first = resized(opened(file), MEDIUM)
        second = resized(first, SMALL)
        return [
            cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes() for image in (first, second)
        ]

    return Imaging(make, lambda file, place: cv2.imwrite(str(place), resized(opened(file), MEDIUM)))


def _jpeg_size(file: Path) -> tuple[int, int]:
    """Width and height by the frame header; OpenCV tells them only after the decode."""
    data, at = file.read_bytes(), 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")


if __name__ == "__main__":
    ways: dict[str, Callable[[], Imaging]] = {"pyvips": pyvips_imaging, "opencv": opencv_imaging}
    serve({sys.argv[1]: handler(ways[sys.argv[1]]())})
