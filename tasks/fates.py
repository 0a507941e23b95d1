"""What is to become of a batch that nobody says he works on, by what Prefect knows of its run."""

from datetime import datetime, timedelta
from enum import Enum, auto

from prefect.client.schemas.objects import FlowRun, State, StateType

from sais_models import Batch

# A run gives up its batch before Prefect hears that it ended, and a busy machine may be late with both.
LONGEST_MARGIN = timedelta(seconds=30)
# A batch that gets no further is resumed after growing pauses, and its runs have longer to begin: on a machine where
# starting takes longer than the grace each would be taken for dead before it begins.
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=30)
MOST_GRACES = 4
# A worker that does not find the deployment says Cancelled too, and nobody has asked for that.
NOT_ASKED_FOR = "no longer exists"


class Fate(Enum):
    """`RESUME` and `CANCEL`: its run has ended, or is dead though Prefect does not know."""

    LEAVE = auto()
    RESUME = auto()
    CANCEL = auto()


def fate_of(batch: Batch, run: FlowRun | None, now: datetime, grace: timedelta) -> Fate:
    """`grace` is the time that a run has to begin, doubled with each further resume that was in vain.
    A run that Prefect does not know is as good as none."""
    state = run.state if run is not None else None
    if state is None:
        begun = batch.held_until is not None
        return Fate.RESUME if begun or now > batch.created_at + grace else Fate.LEAVE
    if now <= _patient_until(batch, state, grace):
        return Fate.LEAVE
    asked_for = NOT_ASKED_FOR not in (state.message or "")
    cancelled = state.type in {StateType.CANCELLED, StateType.CANCELLING} and asked_for
    return Fate.CANCEL if cancelled else Fate.RESUME


def _patient_until(batch: Batch, state: State, grace: timedelta) -> datetime:
    """Until then Prefect's word counts, that there is a run; or there is none, and the next one has to wait."""
    margin = min(grace, LONGEST_MARGIN)
    grace *= min(2 ** max(batch.resumes - 1, 0), MOST_GRACES)
    match state.type:
        case StateType.PENDING:
            return state.timestamp + grace
        case StateType.RUNNING if batch.held_until is not None and batch.held_until > state.timestamp:
            return batch.held_until + margin
        case StateType.RUNNING:
            # It is starting still: once it works, it says so each quarter of a lease.
            return state.timestamp + grace
        case StateType.CANCELLING:
            return state.timestamp + margin
        case StateType.SCHEDULED | StateType.PAUSED:
            # It waits for a worker or for a person, however long.
            return datetime.max.replace(tzinfo=state.timestamp.tzinfo)
        case _:
            return state.timestamp + _pause_after(batch.resumes)


def _pause_after(resumes: int) -> timedelta:
    return min(FIRST_PAUSE * 2 ** (resumes - 1), LONGEST_PAUSE) if resumes else timedelta()
