"""Events that Prefect's server writes to SQLite in its PostgreSQL way are all there, once, with what they are about."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deployments.environment import PROJECT
from tests.support.waiting import wait_for

PATCHED = """
from deployments.event_writing import write_events_in_one_statement
write_events_in_one_statement()

from prefect.server.events.storage import database
print(database._write_sqlite_events is database._write_postgres_events)
"""
MANY = 300


@pytest.fixture
def server(prefect_server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=prefect_server, trust_env=False) as client:
        yield client


def _event(name: str, account: str) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": f"sais.image.{uuid4()}"},
        "related": [{"prefect.resource.id": f"sais.account.{account}", "prefect.resource.role": "account"}],
        "payload": {"width": 1200},
    }


def _events_of(server: httpx.Client, account: str) -> list[dict[str, Any]]:
    asked = {"filter": {"related": {"id": [f"sais.account.{account}"]}}, "limit": 50}
    page = server.post("/events/filter", json=asked).raise_for_status().json()
    found: list[dict[str, Any]] = page["events"]
    while page["next_page"]:
        page = server.get(page["next_page"]).raise_for_status().json()
        found += page["events"]
    return found


def _wait_for(server: httpx.Client, account: str, number: int) -> list[dict[str, Any]]:
    wait_for(lambda: len(_events_of(server, account)) >= number, f"{number} events")
    return _events_of(server, account)


def test_all_are_written_whole(server: httpx.Client) -> None:
    sent = [_event(f"sais.image.{number}", "museum") for number in range(MANY)]

    server.post("/events", json=sent).raise_for_status()

    found = {event["id"]: event for event in _wait_for(server, "museum", MANY)}
    assert found.keys() == {event["id"] for event in sent}
    for event in sent:
        assert event.items() <= (found[event["id"]] | {"occurred": event["occurred"]}).items()


def test_one_that_comes_again_is_there_once(server: httpx.Client) -> None:
    first, second = _event("sais.first", "archive"), _event("sais.second", "archive")

    for sent in ([first], [first, second], [first, first]):
        server.post("/events", json=sent).raise_for_status()
    last = _event("sais.last", "archive")
    server.post("/events", json=[last]).raise_for_status()

    found = _wait_for(server, "archive", 3)
    assert sorted(event["id"] for event in found) == sorted(event["id"] for event in (first, second, last))


def test_the_server_of_this_process_writes_in_one_statement() -> None:
    done = subprocess.run([sys.executable, "-c", PATCHED], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True"]
