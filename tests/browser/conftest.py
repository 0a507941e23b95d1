"""A real Chromium without a window, before the gateway on a real server."""

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from sais.settings import Settings
from tests.gateway.conftest import empty_database, prefect
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.served import served
from tests.gateway.stage import Stage
from tests.support.origin import Origin

__all__ = ["empty_database", "prefect"]

CHROMIUM = Path("/usr/bin/chromium")
INSTALLED = CHROMIUM.exists()
# The two names stand for other machines: to their pages the rules for loopback addresses do not apply.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP sais.example 127.0.0.1, MAP evil.example 127.0.0.1",
)
MILLISECONDS = 20_000
expect.set_options(timeout=MILLISECONDS)


@dataclass
class Visitor:
    """Opens pages and notes what their consoles complain of."""

    browser: Browser
    stage: Stage
    complaints: list[str] = field(default_factory=list)
    windows: list[BrowserContext] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.stage.client.base_url)

    async def page(self, path: str, **options: Any) -> Page:
        """In a browser window of its own, without cookies or cache."""
        context = await self.browser.new_context(base_url=self.address, **options)
        self.windows.append(context)
        context.set_default_timeout(MILLISECONDS)
        page = await context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(path)
        return page

    async def leave(self) -> None:
        """What is still open would keep the gateway from ending."""
        for window in self.windows:
            await window.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Started once, as starting takes longer than most of the tests."""
    if not INSTALLED:
        pytest.skip(f"{CHROMIUM} is not installed (apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(
    browser: Browser, settings: Settings, prefect: PrefectStub, empty_database: Path
) -> AsyncIterator[Visitor]:
    shutil.copy(empty_database, settings.home)
    async with served(settings, prefect) as stage:
        visitor = Visitor(browser, stage)
        yield visitor
        await visitor.leave()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin
