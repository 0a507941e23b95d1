"""Breaker: when a host is to be left alone. Pure: every call is told the time."""

from dataclasses import dataclass

FIRST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Ticket:
    """A request that was let through; answers to earlier tickets do not count once the host has been paused."""

    generation: int
    probe: bool


class Breaker:
    """After `failures` in a row the host is paused, 5 s at first and then twice as long each time, at most `longest`.

    After such a pause one request goes ahead as a probe: when it succeeds all may go, when it fails the next pause
    begins. A host that says itself how long it wants to be left alone is believed, up to `longest`.
    """

    def __init__(self, failures: int, longest: float) -> None:
        self._failures = failures
        self._longest = longest
        self._in_a_row = 0
        self._pause = 0.0
        self._until = 0.0
        self._asked_until = 0.0
        self._generation = 0
        self._probing = False
        self.pauses = 0
        self.reason = ""

    def seconds_left(self, now: float) -> float:
        """0 when the host is not paused."""
        return max(0.0, self._until - now)

    def asked_left(self, now: float) -> float:
        """Seconds that the host itself wants to be left alone, be it longer than a pause may be."""
        return max(0.0, self._asked_until - now)

    @property
    def is_probed(self) -> bool:
        """Whether a probe is on its way, and all others are to wait for its answer."""
        return self._probing

    @property
    def is_quiet(self) -> bool:
        """Nothing to remember of this host."""
        return not (self._in_a_row or self._pause or self._probing)

    def admit(self) -> Ticket:
        """For a request that goes now: `seconds_left` is 0 and no probe is on its way."""
        self._probing = self._pause > 0
        return Ticket(self._generation, self._probing)

    def succeeded(self, ticket: Ticket) -> None:
        if ticket.generation == self._generation:
            self._in_a_row, self._pause, self._asked_until, self._probing = 0, 0.0, 0.0, False

    def failed(self, ticket: Ticket, now: float, reason: str, retry_after: float | None = None) -> None:
        """`retry_after` in seconds, as the host asked for."""
        if ticket.generation == self._generation:
            self._in_a_row += 1
            if ticket.probe or self._in_a_row >= self._failures:
                self._pause = min(self._pause * 2 or FIRST_PAUSE_SECONDS, self._longest)
                self._close(now, self._pause, reason)
        if retry_after:
            self._asked_until = max(self._asked_until, now + retry_after)
            self._close(now, min(retry_after, self._longest), reason)

    def withdrawn(self, ticket: Ticket) -> None:
        """The request ended without telling anything of the host."""
        if ticket.probe and ticket.generation == self._generation:
            self._probing = False

    def _close(self, now: float, seconds: float, reason: str) -> None:
        if self._until <= now:
            self.pauses += 1
            self.reason = reason
        self._until = max(self._until, now + seconds)
        self._probing = False
        self._generation += 1
