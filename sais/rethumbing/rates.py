"""How fast earlier runs were, kept in the key-value table; estimates are made of that, or are not made."""

import json
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from sais.catalog.key_values import find_values, put_value, remove_value

SCOPE = "rethumb-rates"
KEPT = 5
# A run that came so near to its limit could have been faster.
NEAR = 0.9


@dataclass(frozen=True)
class Measured:
    """`images` in `seconds` of work, pauses for new work left out; `limit` in images a second, as it was asked for."""

    images: int
    seconds: float
    limit: float | None

    @property
    def rate(self) -> float:
        return self.images / self.seconds

    @property
    def was_limited(self) -> bool:
        return self.limit is not None and self.rate >= NEAR * self.limit


@dataclass(frozen=True)
class Estimate:
    """`minutes` None: nothing was measured yet. `bound` is `about`, or `at most` when earlier runs were held back."""

    minutes: float | None
    bound: str
    runs: int

    def __str__(self) -> str:
        if self.minutes is None:
            return "unknown, for nothing was measured yet"
        return f"{self.bound} {self.minutes:.1f} (as the last {self.runs} runs measured)"


def keep_rate(connection: Connection, run: str, measured: Measured) -> None:
    """Of the last five runs; one that made nothing tells nothing."""
    if measured.images and measured.seconds > 0:
        put_value(connection, SCOPE, run, json.dumps(asdict(measured)))
        kept = sorted(find_values(connection, [SCOPE]), key=lambda row: row.created_at)
        for row in kept[:-KEPT]:
            remove_value(connection, SCOPE, row.key)


def measured_rates(connection: Connection) -> list[Measured]:
    return [Measured(**json.loads(row.value)) for row in find_values(connection, [SCOPE])]


def estimate(images: int, earlier: list[Measured], limit: float | None) -> Estimate:
    """From the runs that nothing held back, where there are any."""
    free = [run for run in earlier if not run.was_limited]
    if free:
        speed = sum(run.images for run in free) / sum(run.seconds for run in free)
    else:
        speed = max((run.rate for run in earlier), default=0.0)
    if not speed:
        return Estimate(None, "", 0)
    bound = "about"
    if limit is not None and limit <= speed:
        speed = limit
    elif not free:
        bound = "at most"
    return Estimate(round(images / speed / 60, 2), bound, len(free or earlier))
