"""The gateway behind a real server on 127.0.0.1, in the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn

from gateway.application import create_application
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage
from tests.support.waiting import WAIT_SECONDS


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def served(settings: Settings, prefect: PrefectStub) -> AsyncIterator[Stage]:
    """The stage's client asks over the network; `client.base_url` is where a browser finds the gateway."""
    application = create_application(Configuration.from_settings(settings), PrefectSettings(api_url=prefect.url))
    config = uvicorn.Config(application, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve([listener]))
        try:
            await asyncio.wait_for(server.listening.wait(), WAIT_SECONDS)
            async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
                yield Stage(client, application.state.gateway)
        finally:
            server.should_exit = True
            await serving
