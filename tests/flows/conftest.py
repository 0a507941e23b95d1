"""A real Prefect server for the few tests that need an engine, with the blocks that the bootstrap makes."""

import asyncio
from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from deployments.bootstrap import make_ready
from tests.support.origin import Origin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A Prefect server takes 15 s to start: all tests that need it run in one process."""
    for item in items:
        if "prefect_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("prefect"))


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    # Without heartbeats a sync flow ends a second sooner; the server's own checks need none here.
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        asyncio.run(make_ready())
        yield


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin
