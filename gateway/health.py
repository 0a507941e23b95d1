"""`GET /status`: honest health, as sais/health judges it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from gateway.keys import BearerToken, same_secret
from gateway.state import State
from sais.health import Health, Kind, Problem, Waiting
from sais.runs import is_loopback
from sais.settings import Settings
from sais_models.wire import Wire

router = APIRouter(tags=["health"])
_basic = HTTPBasic(auto_error=False)


class QueueStatus(Wire):
    """Batches that are not settled, their images still to be done, and webhooks to be sent. Seconds: how long the
    oldest batch has waited, and from when on that is slow for one of its size."""

    batches: int
    images: int
    oldest_seconds: float | None
    slow_after_seconds: float | None
    webhooks: int


class StatusProblem(Wire):
    """`subject` and `detail` name hosts and folders: null for who is not the operator. `since` in seconds."""

    kind: Kind
    subject: str | None
    detail: str | None
    since: float | None


class Status(Wire):
    """`status`: okay, which is idle or working; busy, much waits; slow, it is being done but the oldest has waited too
    long; stalled, work waits and nothing takes it; blocked, nothing of what waits can go on. `detail` says why.

    `worker`: one is online and the deployment is there; `heartbeatSeconds` since it was last heard of. `problems` are
    all that are known, also those that hold up only a part.
    """

    status: str
    detail: str | None = None
    idle: bool
    worker: bool
    heartbeat_seconds: float | None
    database: str
    queue: QueueStatus | None
    problems: list[StatusProblem]


def status_of(health: Health, *, details: bool = True) -> Status:
    return Status(
        status=health.word,
        detail=health.detail if details or health.waiting is not None else "no database",
        idle=health.idle,
        worker=health.pool.takes_work,
        heartbeat_seconds=_rounded(health.pool.heartbeat),
        database="unreachable" if health.waiting is None else "ok",
        queue=health.waiting and _queue(health.waiting),
        problems=[_told(problem, details) for problem in health.problems],
    )


def _queue(waiting: Waiting) -> QueueStatus:
    return QueueStatus(
        batches=waiting.batches,
        images=waiting.images,
        oldest_seconds=_rounded(waiting.oldest),
        slow_after_seconds=waiting.slow_after if waiting.batches else None,
        webhooks=waiting.deliveries,
    )


def _told(problem: Problem, details: bool) -> StatusProblem:
    return StatusProblem(
        kind=problem.kind,
        subject=problem.subject if details else None,
        detail=problem.detail if details else None,
        since=_rounded(problem.since),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _is_operator(settings: Settings, token: str | None, basic: HTTPBasicCredentials | None) -> bool:
    """As for the pages: on a loopback address anybody, elsewhere who knows the registration token."""
    if is_loopback(settings.host):
        return True
    expected = settings.registration_token
    given = (token, basic.password if basic else None)
    return expected is not None and any(same_secret(secret, expected) for secret in given)


@router.get("/status", responses={"503": {"model": Status, "description": "No database: nothing can be taken"}})
async def status(
    state: State, response: Response, token: BearerToken, basic: Annotated[HTTPBasicCredentials | None, Depends(_basic)]
) -> Status:
    """Whether work that is handed in now would be done. Answers 503 when nothing can be taken at all."""
    found = await state.watch.health()
    response.status_code = 503 if found.waiting is None else 200
    response.headers["Cache-Control"] = "no-store"
    return status_of(found, details=_is_operator(state.settings, token, basic))
