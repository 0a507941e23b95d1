"""Looking, no more often than it is worth: however many ask, they ask one memory."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from sais.catalog.threaded import ThreadedDatabase
from sais.configuration import Configuration
from sais.health.judging import Facts, Health, judge, since
from sais.health.places import place_problems
from sais.health.pool import look_at_pool
from sais.health.problems import Kind, Problem
from sais.health.work import Work, look_at_work
from sais.runs import PrefectApi

log = logging.getLogger(__name__)
Seen = TypeVar("Seen")

KEPT_SECONDS = 1.5
# A look at three places is a file written and read in each; in S3 some tenths of a second.
PLACES_KEPT_SECONDS = 30.0
# Looking may take a twentieth of the time of one core, however many rows there are.
KEPT_TIMES_COST = 20


class Kept(Generic[Seen]):
    """What was seen, until it is worth looking again."""

    def __init__(self, look: Callable[[], Awaitable[Seen]], seconds: float, *, times_cost: float = 1) -> None:
        self._look, self._seconds, self._times_cost = look, seconds, times_cost
        self._lock = asyncio.Lock()
        self._seen: tuple[float, Seen] | None = None

    async def get(self) -> Seen:
        async with self._lock:
            if self._seen is None or time.monotonic() >= self._seen[0]:
                start = time.monotonic()
                seen = await self._look()
                end = time.monotonic()
                self._seen = (end + max(self._seconds, self._times_cost * (end - start)), seen)
            return self._seen[1]


class Watch:
    """Of one installation, for as long as a process lives: it knows since when there is a problem."""

    def __init__(self, configuration: Configuration, database: ThreadedDatabase, api: PrefectApi) -> None:
        self._database, self._settings = database, configuration.settings
        self._work = Kept(self._look_at_work, KEPT_SECONDS, times_cost=KEPT_TIMES_COST)
        self._pool = Kept(lambda: look_at_pool(api), KEPT_SECONDS)
        self._places = Kept(lambda: place_problems(configuration), PLACES_KEPT_SECONDS)
        self._first_seen: dict[tuple[Kind, str], float] = {}

    async def health(self) -> Health:
        """Never raises for what it finds."""
        work, pool, places = await asyncio.gather(self._work.get(), self._pool.get(), self._places.get())
        judged = judge(Facts(work.waiting if work else None, pool, [*places, *(work.problems if work else ())]))
        return Health(judged.word, judged.detail, judged.waiting, pool, self._dated(judged.problems))

    def _dated(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        now = time.monotonic()
        known = self._first_seen
        self._first_seen = {(p.kind, p.subject): known.get((p.kind, p.subject), now) for p in problems}
        return tuple(since(p, now - self._first_seen[p.kind, p.subject]) for p in problems)

    async def _look_at_work(self) -> Work | None:
        try:
            return await self._database.read(look_at_work, self._settings)
        except SQLAlchemyError:
            log.exception("the database does not answer")
            return None
