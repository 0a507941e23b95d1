"""Politeness: how often one host is asked, and when it is left alone; shared by all chunks of a process."""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType

from sais.errors import MediaError, TransientMediaError
from sais.fetching.breaker import Breaker, Ticket
from sais.fetching.clock import SYSTEM, Clock
from sais.fetching.pace import Pace
from sais.settings import Settings

# Pauses up to this are waited for; after longer ones the chunk is tried again, or the sweep comes back.
PATIENCE_SECONDS = 10.0
# Of so many hosts a run remembers that they are well; then it forgets those.
REMEMBERED = 4_096
# With these a host's Retry-After speaks for all of its images.
SAID_BY = frozenset({429, 503})


@dataclass(frozen=True)
class HostPause:
    """`seconds_left` 0: it is over. `turned_away` requests were not made because of it."""

    host: str
    reason: str
    pauses: int
    turned_away: int
    seconds_left: float


@dataclass
class _Host:
    breaker: Breaker
    pace: Pace
    turned_away: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Politeness:
    """One for a Fetcher. `visit(host)` stands around each request."""

    def __init__(self, settings: Settings, clock: Clock = SYSTEM) -> None:
        self._settings = settings
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    def __len__(self) -> int:
        """How many hosts are remembered."""
        return len(self._hosts)

    def visit(self, host: str) -> "Visit":
        return Visit(self._known(host), host, self._clock)

    def pauses(self) -> list[HostPause]:
        """The hosts that are or were paused, those that turned most away first."""
        now = self._clock.now()
        found = [
            HostPause(name, host.breaker.reason, host.breaker.pauses, host.turned_away, host.breaker.seconds_left(now))
            for name, host in self._hosts.items()
            if host.breaker.pauses
        ]
        return sorted(found, key=lambda pause: (-pause.turned_away, pause.host))

    def _known(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= REMEMBERED:
                self._forget()
            breaker = Breaker(self._settings.host_failures, self._settings.host_pause_seconds)
            host = self._hosts[name] = _Host(breaker, Pace(self._settings.host_rate))
        return host

    def _forget(self) -> None:
        now = self._clock.now()
        self._hosts = {
            name: host
            for name, host in self._hosts.items()
            if host.breaker.pauses or not host.breaker.is_quiet or not host.pace.is_full(now)
        }


class Visit:
    """Waits for the host's pace and for a short pause; tells the breaker how the request went.

    Raises TransientMediaError (`host_paused`) without a request when the host is paused for longer.
    """

    def __init__(self, host: _Host, name: str, clock: Clock) -> None:
        self._host, self._name, self._clock = host, name, clock
        self._ticket: Ticket | None = None

    async def __aenter__(self) -> None:
        host, waited = self._host, 0.0
        while (left := host.breaker.seconds_left(self._clock.now())) or host.breaker.is_probed:
            if waited + left > PATIENCE_SECONDS:
                host.turned_away += 1
                asked = max(left, host.breaker.asked_left(self._clock.now()))
                raise TransientMediaError("host_paused", f"host_paused: {self._name}, {left:.0f} s", retry_after=asked)
            if left:
                await self._clock.sleep(left)
                waited += left
            else:
                await self._probe_answered()
        self._ticket = host.breaker.admit()
        if wait := host.pace.take(self._clock.now()):
            try:
                await self._clock.sleep(wait)
            except BaseException:
                self._told()
                raise

    async def _probe_answered(self) -> None:
        self._host.changed.clear()
        await self._host.changed.wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._told(error, answered=error is None or isinstance(error, MediaError))

    def _told(self, error: BaseException | None = None, *, answered: bool = False) -> None:
        """What is no MediaError, as a full disk or a cancelled task, says nothing of the host."""
        breaker, ticket = self._host.breaker, self._ticket
        if ticket is None:
            return
        if isinstance(error, TransientMediaError):
            asked = error.retry_after if error.status_code in SAID_BY else None
            breaker.failed(ticket, self._clock.now(), error.reason, asked)
        elif answered:
            breaker.succeeded(ticket)
        else:
            breaker.withdrawn(ticket)
        self._host.changed.set()
