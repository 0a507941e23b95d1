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
    """Bytes: `together` of all those processes, pages that they share counted once for each; `largest` of one."""

    together: int = 0
    largest: int = 0


@contextlib.contextmanager
def peak_memory() -> Iterator[Peak]:
    """Of children and their children; what runs already does not count."""
    peak, over = Peak(), threading.Event()
    known = {process.pid for process in psutil.Process().children(recursive=True)}

    def watch() -> None:
        while not over.wait(EVERY_SECONDS):
            held = _held(known)
            peak.together = max(peak.together, sum(held))
            peak.largest = max(peak.largest, *held, 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _held(known: Collection[int]) -> list[int]:
    held = []
    for process in psutil.Process(os.getpid()).children(recursive=True):
        if process.pid not in known:
            with contextlib.suppress(psutil.NoSuchProcess):
                held.append(process.memory_info().rss)
    return held
