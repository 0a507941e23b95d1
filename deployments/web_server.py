"""Prefect's web server spares what nobody on this machine has of it (docs/decisions/0039).

A client deflates each event that it sends where the server says that it inflates; and ten times a second the server
looks whether it is to end, a fifth of what it does when idle.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

# Of a second, for uvicorn counts tenths of one.
TENTHS = 5


def serve_sparingly() -> None:
    """For servers that this process starts."""
    import uvicorn  # noqa: PLC0415  not before the settings of Prefect's command are read

    uvicorn.run = partial(uvicorn.run, ws_per_message_deflate=False)
    uvicorn.Server.main_loop = main_loop  # type: ignore[method-assign, assignment]


async def main_loop(server: "uvicorn.Server") -> None:
    """As uvicorn's own, twice a second instead of ten times."""
    tenths = 0
    while not await server.on_tick(tenths):
        await asyncio.sleep(TENTHS / 10)
        tenths += TENTHS
