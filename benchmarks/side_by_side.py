"""Several ways to do one thing, in turn, round after round: what disturbs the machine disturbs all of them."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Generic, TypeVar

from benchmarks.measuring import measured

Result = TypeVar("Result")


class SideBySide(Generic[Result]):
    """`results` by way, one of each round. `others` has the share of the machine that others had in each round."""

    def __init__(self, ways: Mapping[str, Callable[[], Result]], *, rounds: int) -> None:
        self.results: dict[str, list[Result]] = {name: [] for name in ways}
        self.others: list[float] = []
        for number in range(rounds):
            with measured({}) as spent:
                for name, work in ways.items():
                    print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
                    self.results[name].append(work())
            self.others.append(spent.others)

    def median(self, name: str, value: Callable[[Result], float]) -> float:
        """Over the rounds."""
        return median(value(result) for result in self.results[name])

    @property
    def conditions(self) -> str:
        """The line under a table."""
        return conditions(self.others)


def conditions(others: Sequence[float]) -> str:
    """`others` of each round; a number that was measured beside a busy neighbour must say so."""
    had = f"other programs had {median(others):.0%} of the machine meanwhile, {max(others):.0%} in the worst round"
    return f"{os.cpu_count()} cores; {_rounds(len(others))}; {had}."


def _rounds(count: int) -> str:
    return f"medians of {count} rounds" if count > 1 else "one round"
