"""At most so many images a second, evenly."""


class Pace:
    """`rate` in images a second; None: nobody waits. Pure: it is told the time."""

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self._next = 0.0

    def take(self, now: float) -> float:
        """Takes the next place, and says how many seconds to wait for it."""
        if self.rate is None:
            return 0.0
        place = max(self._next, now)
        self._next = place + 1 / self.rate
        return place - now
