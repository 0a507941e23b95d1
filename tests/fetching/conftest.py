"""A real origin on loopback, and settings that may reach it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from sais.fetching import Fetcher
from sais.settings import Settings
from tests.support.origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_bytes": 1_000_000, "connect_seconds": 5, "read_seconds": 5})


@pytest.fixture
async def fetcher(settings: Settings) -> AsyncIterator[Fetcher]:
    async with Fetcher(settings) as fetcher:
        yield fetcher
