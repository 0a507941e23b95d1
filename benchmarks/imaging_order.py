"""What each way of making thumbs is asked for: small and medium of every file, as WebP. Standard library only, because
other virtual environments run it too."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEDIUM, SMALL = 512, 192
QUALITY = 68

Make = Callable[[Path], Sequence[bytes]]
Pixels = Callable[[Path, Path], None]


@dataclass(frozen=True)
class Imaging:
    """`make` gives the encoded thumbs of a file, the medium one first; `keep_pixels` writes the medium one's pixels,
    before they are encoded, as a PNG."""

    make: Make
    keep_pixels: Pixels


def handler(imaging: Imaging) -> Callable[[Any], Any]:
    """An order is timed: CPU seconds, and bytes of the medium thumbs. With `keep`, a folder, the results go there."""

    def work(order: Mapping[str, Any]) -> dict[str, float]:
        files = [Path(file) for file in order["files"]]
        if order.get("keep"):
            for file in files:
                place = Path(order["keep"]) / file.name
                place.with_suffix(".webp").write_bytes(imaging.make(file)[0])
                imaging.keep_pixels(file, place.with_suffix(".png"))
            return {}
        imaging.make(files[0])
        start, size = time.process_time(), 0
        for file in files:
            size += len(imaging.make(file)[0])
        return {"cpu": time.process_time() - start, "bytes": size}

    return work
