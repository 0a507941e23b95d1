"""From what was seen to one word. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sais.health.pool import PoolState
from sais.health.problems import Kind, Problem

# A photograph takes about 25 ms of CPU: these keep two cores busy for two minutes.
BUSY_IMAGES = 10_000
# A batch is slow when it waits longer than both together: ten minutes, and what its images take at ten a second, a
# quarter of what two cores do.
SLOW_SECONDS = 600.0
SLOW_SECONDS_PER_IMAGE = 0.1
# The sweep takes up what has no run after 120 s, and it comes each minute.
TAKEN_UP_SECONDS = 300.0


class Word(StrEnum):
    """`okay`: nothing waits, or what waits is being done; `busy`: much waits, and is being done; `slow`: it is being
    done, but the oldest has waited too long; `stalled`: work waits and nothing takes it; `blocked`: nothing of what
    waits can go on."""

    OKAY = "okay"
    BUSY = "busy"
    SLOW = "slow"
    STALLED = "stalled"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Waiting:
    """Batches that are not settled, and their images still to be done. `oldest` is the age in seconds of the batch that
    has waited longest, `oldest_images` how many it has; `held`: a run holds some of the images.

    `deliveries` are webhooks still to be sent, `refused` those of them for receivers that do not take them.
    """

    batches: int = 0
    images: int = 0
    oldest: float | None = None
    oldest_images: int = 0
    held: bool = False
    deliveries: int = 0
    refused: int = 0

    @property
    def slow_after(self) -> float:
        return SLOW_SECONDS + SLOW_SECONDS_PER_IMAGE * self.oldest_images


@dataclass(frozen=True)
class Facts:
    """`waiting` is None when the database does not answer; `problems` are those that were found besides."""

    waiting: Waiting | None
    pool: PoolState
    problems: Sequence[Problem] = ()


@dataclass(frozen=True)
class Health:
    """`detail` says why it is not okay; `idle`: nothing waits. Problems are listed whatever the word is."""

    word: Word
    detail: str | None
    waiting: Waiting | None
    pool: PoolState
    problems: tuple[Problem, ...]

    @property
    def idle(self) -> bool:
        return self.waiting is not None and not self.waiting.batches and not self.waiting.deliveries


def judge(facts: Facts) -> Health:
    waiting, pool = facts.waiting, facts.pool
    problems = [*facts.problems, *_pool_problems(waiting, pool)]
    if waiting is None:
        problems = [Problem(Kind.DATABASE, "database", "it does not answer", stops=True), *problems]
    word, detail = _judged(waiting, pool, problems)
    return Health(word, detail, waiting, pool, tuple(problems))


def _pool_problems(waiting: Waiting | None, pool: PoolState) -> list[Problem]:
    if pool.unreachable:
        return [Problem(Kind.PREFECT, "Prefect", pool.unreachable, stops=bool(waiting and waiting.batches))]
    return [Problem(Kind.WORKER, "worker", pool.trouble, pool.heartbeat)] if pool.trouble else []


def _judged(waiting: Waiting | None, pool: PoolState, problems: Sequence[Problem]) -> tuple[Word, str | None]:
    stops = [problem for problem in problems if problem.stops]
    if stops or waiting is None:
        return Word.BLOCKED, "; ".join(f"{problem.subject}: {problem.detail}" for problem in stops)
    if waiting.batches:
        return _of_work(waiting, pool)
    if waiting.deliveries and waiting.refused == waiting.deliveries:
        return Word.BLOCKED, f"{waiting.deliveries} webhooks wait for receivers that do not take them"
    return Word.OKAY, None


def _of_work(waiting: Waiting, pool: PoolState) -> tuple[Word, str | None]:
    """A dead run keeps its images until the lease ends, and Prefect may take it to be running for ever: only both
    together are a run in progress."""
    in_progress = waiting.held and pool.runs > 0
    age = waiting.oldest or 0.0
    waited = f"the oldest work has waited {age:.0f} s"
    if not in_progress and pool.trouble:
        beat = "" if pool.heartbeat is None else f", the last heartbeat was {pool.heartbeat:.0f} s ago"
        return Word.STALLED, f"{pool.trouble}{beat}; {waited}"
    if not in_progress and age > TAKEN_UP_SECONDS:
        return Word.STALLED, f"a worker is online, but no run is in progress; {waited}"
    if age > waiting.slow_after:
        return Word.SLOW, f"{waited}; more than {waiting.slow_after:.0f} s is slow for {waiting.oldest_images} images"
    if waiting.images > BUSY_IMAGES:
        return Word.BUSY, f"{waiting.images} images wait; {waited}"
    return Word.OKAY, None


def since(problem: Problem, seconds: float) -> Problem:
    """The problem, with its age where it does not know it itself."""
    return replace(problem, since=seconds) if problem.since is None else problem
