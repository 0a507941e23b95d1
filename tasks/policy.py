"""How often and how long Prefect tries a chunk again, and what it never keeps."""

from typing import Any, Final

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.tasks import Task, exponential_backoff
from sqlalchemy.exc import OperationalError

from sais.errors import InfrastructureError, UnfinishedChunk
from sais.settings import Settings

SETTINGS: Final = Settings()
RETRIES: Final = SETTINGS.chunk_retries

# Keys travel, bytes stay: results are small and never written; without a cache key no argument is hashed.
PLAIN: Final[dict[str, Any]] = {"cache_policy": NO_CACHE, "persist_result": False}


async def is_transient(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """What is left of a chunk, and infrastructure, are worth another try; a wrong parameter or a bug are not.

    A database that is away or locked is an OperationalError; a statement that it does not understand, in SQLite, too.
    """
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, (UnfinishedChunk, InfrastructureError, OperationalError, OSError))


RETRIED: Final[dict[str, Any]] = {
    **PLAIN,
    "retries": RETRIES,
    "retry_delay_seconds": exponential_backoff(SETTINGS.retry_seconds),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_transient,
}


def is_last_try() -> bool:
    """Whether this task run has no retry left."""
    return bool(task_run.run_count > RETRIES)
