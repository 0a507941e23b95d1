"""Pace: at most so many requests a second, evenly, after a short burst. Pure: every call is told the time."""


class Pace:
    """A token bucket of `rate` tokens a second that holds one second's worth; without a rate nobody waits."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._burst = max(1.0, rate) * self._interval
        self._full_at = 0.0

    def take(self, now: float) -> float:
        """Takes one token, and says how many seconds to wait for it."""
        if not self._interval:
            return 0.0
        self._full_at = max(self._full_at, now) + self._interval
        return max(0.0, self._full_at - self._burst - now)

    def is_full(self, now: float) -> bool:
        return self._full_at <= now
