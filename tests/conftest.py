"""The real servers that tests speak to, each started once a session and only when a test asks for it."""

import os

# Read when the tasks are imported: a test waits tenths of a second for a retry, not seconds.
os.environ["SAIS_RETRY_SECONDS"] = "0.05"

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from deployments.bootstrap import make_ready
from sais.settings import Settings
from tests.support import postgres, s3
from tests.support.prefect_server import SOON, running_prefect, speaking_to

# How long an example takes, or takes to make, says something about the machine, not about the code.
hypothesis.settings.register_profile("sais", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("sais")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A Prefect server takes 15 s to start: all tests that need it run in one process."""
    for item in items:
        if "prefect_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("prefect"))


def pytest_report_header() -> str:
    return s3.report_line()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Once more at the end, where `-q` does not hide it."""
    if not s3.real_server_installed():
        terminalreporter.write_line(s3.report_line(), yellow=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    with postgres.running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.PostgresServer) -> str:
    """`postgresql+psycopg://…` of a database that is empty and this test's own."""
    return postgres_server.fresh_database()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.S3Server]:
    with s3.running_s3() as server:
        yield server


@pytest.fixture
def s3_options(s3_server: s3.S3Server) -> dict[str, Any]:
    """Keyword arguments for s3fs, or for `open_storage(url, options)`."""
    return s3_server.options()


@pytest.fixture
def bucket(s3_server: s3.S3Server) -> str:
    """The name of a bucket that is empty and this test's own."""
    return s3_server.fresh_bucket()


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the API of one as `sais up` starts it, which this process' flows report to."""
    folder = tmp_path_factory.mktemp("prefect")
    with running_prefect(folder, **SOON) as api, speaking_to(api, folder):
        asyncio.run(make_ready())
        yield api


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Everything in a temporary folder, and nothing from the user's own environment."""
    for name in [name for name in os.environ if name.startswith("SAIS_")]:
        monkeypatch.delenv(name)
    return Settings(home=tmp_path, allow_hosts=("127.0.0.1",))
