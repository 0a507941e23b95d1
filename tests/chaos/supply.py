"""What the origin has: small pictures that all differ, each known byte by byte to whoever verifies; and its faults."""

import functools
import random
import re
from collections import Counter

import numpy as np
from PIL import Image

from tests.support.origin import Origin
from tests.support.pictures import encoded
from tests.support.replies import Content, Hang, Reply, Reset, Status, busy, lying

WIDTH, HEIGHT = 200, 150
# No address fails more often than a run tries it: what fails for good is then the stack's doing.
MOST_FAULTS = 3
FAULTS = {"503": 0.10, "reset": 0.05, "time-out": 0.03, "truncated": 0.02}
MISSING = 0.05
NUMBER = re.compile(r"/(\d+)\.jpg")


@functools.lru_cache(maxsize=4096)
def picture(number: int) -> bytes:
    """A JPEG of about 3 KB."""
    values = np.random.default_rng(number).integers(0, 256, (HEIGHT // 25, WIDTH // 25, 3), dtype=np.uint8)
    return encoded(Image.fromarray(values).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST), "JPEG", quality=80)


class Faults:
    """The same for each address and attempt whenever the seed is the same."""

    def __init__(self, seed: int, share: float = 1.0) -> None:
        self._seed, self._share = seed, share

    def is_missing(self, number: int) -> bool:
        return self._draw(number, "missing") < MISSING * self._share

    def of(self, number: int, attempt: int) -> str | None:
        """What goes wrong with the `attempt`-th request (from 1) for this picture; None: nothing."""
        if attempt > MOST_FAULTS:
            return None
        drawn = self._draw(number, attempt)
        for fault, share in FAULTS.items():
            drawn -= share * self._share
            if drawn < 0:
                return fault
        return None

    def _draw(self, number: int, what: object) -> float:
        return random.Random(f"{self._seed}/{number}/{what}").random()


class FaultyOrigin(Origin):
    """`/N.jpg` for every number N. `faults_served` counts what went wrong, by kind."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults
        self.faults_served: Counter[str] = Counter()

    def _reply(self, path: str, method: str) -> Reply:
        match = NUMBER.fullmatch(path)
        if match is None:
            return Status(404)
        number = int(match[1])
        if self.faults.is_missing(number):
            self.faults_served["404"] += 1
            return Status(404)
        fault = self.faults.of(number, self.hits[path])
        if fault is not None:
            self.faults_served[fault] += 1
        return self._with_fault(fault, picture(number))

    def _with_fault(self, fault: str | None, body: bytes) -> Reply:
        match fault:
            case "503":
                return busy()
            case "reset":
                return Reset(body[:500])
            case "time-out":
                return Hang()
            case "truncated":
                return lying(body[:-500], len(body))
            case _:
                return Content(body)
