"""Prefect's server as SAIS starts it takes events as they are, and looks twice a second whether it is to end."""

import subprocess
import sys

import uvicorn
from websockets.sync.client import connect

from deployments.environment import PROJECT
from deployments.web_server import main_loop

SPARING = """
from deployments.web_server import main_loop, serve_sparingly
serve_sparingly()

import uvicorn
print(uvicorn.run.keywords, uvicorn.Server.main_loop is main_loop)
"""


class Ticking(uvicorn.Server):
    """Ends at the third look."""

    def __init__(self) -> None:
        super().__init__(uvicorn.Config(lambda: None))
        self.dates: dict[int, list[tuple[bytes, bytes]]] = {}

    async def on_tick(self, counter: int) -> bool:
        self.server_state.default_headers = []
        self.should_exit = counter >= 10
        ends = await super().on_tick(counter)
        self.dates[counter] = self.server_state.default_headers
        return ends


def test_no_client_compresses_its_events(prefect_server: str) -> None:
    address = prefect_server.replace("http", "ws", 1) + "/events/in"
    with connect(address, subprotocols=["prefect"], proxy=None) as client:  # type: ignore[list-item]
        assert client.response is not None
        assert client.request is not None
        assert "permessage-deflate" in client.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in client.response.headers


async def test_it_looks_by_half_seconds_and_has_the_date_by_the_second() -> None:
    server = Ticking()
    await main_loop(server)
    assert {tenths: bool(headers) for tenths, headers in server.dates.items()} == {0: True, 5: False, 10: True}


def test_the_server_of_this_process_is_sparing() -> None:
    done = subprocess.run([sys.executable, "-c", SPARING], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout == "{'ws_per_message_deflate': False} True\n"
