"""The most memory that the processes started within a block have at once."""

import contextlib
import os
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

EVERY_SECONDS = 0.1


@dataclass
class Peak:
    """Bytes: `together` of all those processes, pages that they share counted once; `largest` of one."""

    together: int = 0
    largest: int = 0


@contextlib.contextmanager
def peak_memory() -> Iterator[Peak]:
    """Of children and their children; what runs already does not count."""
    peak, over = Peak(), threading.Event()
    known = {process.pid for process in psutil.Process().children(recursive=True)}

    def watch() -> None:
        while not over.wait(EVERY_SECONDS):
            shares, whole = _held(known)
            peak.together = max(peak.together, shares)
            peak.largest = max(peak.largest, whole)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _held(known: Collection[int]) -> tuple[int, int]:
    """Of all, what they share divided among them; and the most that one has, with all that it shares."""
    shares, largest = 0, 0
    for process in psutil.Process(os.getpid()).children(recursive=True):
        if process.pid not in known:
            with contextlib.suppress(psutil.NoSuchProcess):
                memory = process.memory_full_info()
                shares, largest = shares + memory.pss, max(largest, memory.rss)
    return shares, largest
