"""Local files that appear whole: written beside their place under a hidden name, then renamed."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from sais.storage.paths import PARTIAL_PREFIX


@contextlib.contextmanager
def whole_file(destination: Path) -> Iterator[Path]:
    """Gives the path to write to; renames it when the block ends well, removes it when it does not."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f"{PARTIAL_PREFIX}{secrets.token_hex(8)}.part")
    try:
        yield partial
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Without it a file that was renamed can be empty after a power cut. 0.4 ms for 200 KB on an SSD."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
