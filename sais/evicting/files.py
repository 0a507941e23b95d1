"""The files in the local folder of originals."""

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from sais.evicting.rule import LocalFile

PAGE = 250


def local_files(originals: Path) -> Iterator[LocalFile]:
    """Without those that are just coming in, whose names or folders begin with a dot.

    Many file systems note an access once a day at most (relatime), some never: the time of writing counts too.
    """
    folders = [str(originals)]
    start = len(str(originals)) + 1
    while folders:
        # What went away since its folder was read is not there.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folders.pop()) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                if item.is_dir(follow_symlinks=False):
                    folders.append(item.path)
                elif item.is_file(follow_symlinks=False):
                    with contextlib.suppress(FileNotFoundError):
                        facts = item.stat()
                        accessed = max(facts.st_atime, facts.st_mtime)
                        yield LocalFile(item.path[start:], facts.st_size, accessed)


def pages_before(originals: Path, before: float) -> Iterator[list[LocalFile]]:
    """Those last used before it, 250 at a time."""
    old = (file for file in local_files(originals) if file.accessed < before)
    while page := list(itertools.islice(old, PAGE)):
        yield page
