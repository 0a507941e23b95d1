"""The whole gateway on a temporary SQLite database and folder, beside a server that speaks Prefect's REST."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.application import create_application
from sais.catalog.database import open_database
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.prefect_stub import PrefectStub, running_prefect
from tests.gateway.stage import Stage


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectStub]:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    with running_prefect() as stub:
        yield stub


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without a quick lane, so that a run is asked for at once."""
    return settings.model_copy(update={"quick_images": 0})


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once: doing it for every test takes longer than the tests."""
    place = tmp_path_factory.mktemp("gateway") / "sais.db"
    engine = open_database(f"sqlite:///{place}")
    engine.dispose()
    return place


@asynccontextmanager
async def opened(configuration: Configuration, prefect: PrefectSettings, **options: Any) -> AsyncIterator[Stage]:
    application = create_application(configuration, prefect)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(application.router.lifespan_context(application))
        transport = httpx.ASGITransport(application, **options)
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://gateway"))
        yield Stage(client, application.state.gateway)


@pytest.fixture
async def stage(settings: Settings, prefect: PrefectStub, empty_database: Path) -> AsyncIterator[Stage]:
    shutil.copy(empty_database, settings.home)
    async with opened(Configuration.from_settings(settings), PrefectSettings(api_url=prefect.url)) as stage:
        yield stage
