"""Local files that appear whole: written aside under a hidden name, then renamed; and what a kill left of them."""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from sais.storage.paths import PARTIAL_PREFIX

# A folder in which unfinished files are found without looking through millions of others.
ASIDE = f"{PARTIAL_PREFIX}unfinished"


@contextlib.contextmanager
def whole_file(destination: Path, aside: Path | None = None) -> Iterator[Path]:
    """Gives the path to write to; renames it when the block ends well, removes it when it does not.

    `aside` is the folder to write in, on the same disk; without one it is the folder of `destination`.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    folder = aside or destination.parent
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{PARTIAL_PREFIX}{secrets.token_hex(8)}.part"
    try:
        yield partial
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Without it a file that was renamed can be empty after a power cut. 0.4 ms for 200 KB on an SSD."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def remove_abandoned(folder: Path, *, older_than: float) -> int:
    """Removes the files of one folder that nobody has written to for so many seconds. Returns how many.

    Whoever writes does so at least every few seconds, so a living writer's file is never old.
    """
    removed = 0
    limit = time.time() - older_than
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as items:
        for item in items:
            with contextlib.suppress(FileNotFoundError):
                if item.is_file(follow_symlinks=False) and item.stat(follow_symlinks=False).st_mtime < limit:
                    Path(item.path).unlink()
                    removed += 1
    return removed
