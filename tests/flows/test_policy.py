"""What Prefect tries again: what may pass, and nothing else. What it keeps: no result."""

import importlib
import pkgutil

import pytest
from prefect import Flow, flow, task
from sqlalchemy.exc import OperationalError

import flows
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


def test_no_run_asks_where_to_keep_its_result() -> None:
    modules = [importlib.import_module(module.name) for module in pkgutil.iter_modules(flows.__path__, "flows.")]
    all_flows = {each.name: each for module in modules for each in vars(module).values() if isinstance(each, Flow)}

    assert len(all_flows) >= 13
    assert {name for name, each in all_flows.items() if each.persist_result or each.result_storage is None} == set()
