"""What Prefect tries again: what may pass, and nothing else."""

import pytest
from prefect import flow, task
from sqlalchemy.exc import OperationalError

from sais.errors import StorageError
from tasks.policy import RETRIED

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

AWAY = OperationalError("SELECT 1", {}, Exception("the database system is shutting down"))


async def tries(error: Exception) -> int:
    """How often a task is tried that fails once."""
    count = 0

    @task(name="asks", **RETRIED)
    async def asks() -> None:
        nonlocal count
        count += 1
        if count == 1:
            raise error

    @flow(name="asking")
    async def asking() -> None:
        await asks(return_state=True)  # type: ignore[misc]

    await asking()
    return count


async def test_a_database_or_a_storage_that_is_away_is_asked_again() -> None:
    assert await tries(AWAY) == 2
    assert await tries(StorageError("503 SlowDown")) == 2


async def test_a_bug_is_not_tried_again() -> None:
    assert await tries(ValueError("a bug")) == 1
