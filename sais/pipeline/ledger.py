"""Where a run's time and bytes went, counted while it works."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

# The part of the work that the running task, or the thread that it waits for, is in: for who measures CPU by part.
PART: ContextVar[str] = ContextVar("part", default="")


@dataclass
class Ledger:
    """`seconds` by part of the work (wall seconds summed over everything that went on at once), `waits` the same times
    the number of images that waited for it (image-seconds), `counts` by noun."""

    started: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def timing(self, part: str, images: int = 1) -> Iterator[None]:
        start = time.perf_counter()
        outer = PART.set(part)
        try:
            yield
        finally:
            PART.reset(outer)
            self.add(part, time.perf_counter() - start, images)

    def add(self, part: str, seconds: float, images: int = 1) -> None:
        self.seconds[part] = self.seconds.get(part, 0.0) + seconds
        self.waits[part] = self.waits.get(part, 0.0) + seconds * images

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started
