"""Memory as the first measured program found it, for those that come after it."""

import os
from contextlib import suppress
from pathlib import Path


def forget_files(folder: Path) -> None:
    """Writes what is in memory of the files beneath `folder` to the disk, and drops it from memory.

    Else each program finds less free memory than the one before, and on a virtual machine memory that the host has yet
    to give: to write 0.7 GB then took 2.7 s of CPU in the kernel, and 0.25 s in memory used a moment ago.
    """
    os.sync()
    if not hasattr(os, "posix_fadvise"):
        return
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
