"""When a run is taken to be dead, by the times of its last words."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType

from sais_models import Batch
from sais_models.columns import utc_now
from tasks.fates import Fate, fate_of

NOW = utc_now()
GRACE = timedelta(seconds=120)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("kind", "since", "held_until", "fate"),
    [
        ("RUNNING", 1000, 10, Fate.LEAVE),
        ("RUNNING", 1000, 31, Fate.RESUME),
        ("RUNNING", 100, None, Fate.LEAVE),
        ("RUNNING", 121, None, Fate.RESUME),
        ("RUNNING", 100, 5000, Fate.LEAVE),
        ("PENDING", 100, None, Fate.LEAVE),
        ("PENDING", 121, None, Fate.RESUME),
        ("CANCELLING", 10, 5, Fate.LEAVE),
        ("CANCELLING", 31, 5, Fate.CANCEL),
        ("SCHEDULED", 10**6, 10**6, Fate.LEAVE),
        ("PAUSED", 10**6, 10**6, Fate.LEAVE),
        ("CRASHED", 1, 1, Fate.RESUME),
    ],
)
def test_a_run_is_believed_for_so_long(kind: str, since: float, held_until: float | None, fate: Fate) -> None:
    batch = Batch(root="museum", presets=[], held_until=None if held_until is None else ago(held_until))
    state: State[None] = State(type=StateType(kind), timestamp=ago(since))
    assert fate_of(batch, FlowRun(flow_id=uuid4(), state=state), NOW, GRACE) == fate


@pytest.mark.parametrize(
    ("kind", "resumes", "since", "fate"),
    [
        ("CRASHED", 0, 1, Fate.RESUME),
        ("CRASHED", 1, 14, Fate.LEAVE),
        ("CRASHED", 1, 16, Fate.RESUME),
        ("FAILED", 3, 59, Fate.LEAVE),
        ("FAILED", 3, 61, Fate.RESUME),
        ("FAILED", 40, 1799, Fate.LEAVE),
        ("FAILED", 40, 1801, Fate.RESUME),
        ("PENDING", 1, 119, Fate.LEAVE),
        ("PENDING", 1, 121, Fate.RESUME),
        ("RUNNING", 2, 239, Fate.LEAVE),
        ("RUNNING", 40, 479, Fate.LEAVE),
        ("RUNNING", 40, 481, Fate.RESUME),
    ],
)
def test_a_batch_that_gets_no_further_is_resumed_after_growing_pauses(
    kind: str, resumes: int, since: float, fate: Fate
) -> None:
    batch = Batch(root="museum", presets=[], resumes=resumes)
    state: State[None] = State(type=StateType(kind), timestamp=ago(since))
    assert fate_of(batch, FlowRun(flow_id=uuid4(), state=state), NOW, GRACE) == fate


@pytest.mark.parametrize(("held_until", "fate"), [(1, Fate.RESUME), (None, Fate.LEAVE)])
def test_a_run_that_prefect_does_not_know_is_dead_when_it_had_begun(held_until: float | None, fate: Fate) -> None:
    silent = None if held_until is None else ago(held_until)
    batch = Batch(root="museum", presets=[], held_until=silent, created_at=ago(60))
    assert fate_of(batch, None, NOW, GRACE) == fate
