"""GETs by the HTTP clients that there are, each with one session for all, the bodies read and dropped.

python -m benchmarks.other_fetching httpx|httpx-aiohttp|aiohttp      see child.py
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from benchmarks.at_once import cpu_of_each
from benchmarks.child import serve


async def by_httpx(order: Mapping[str, Any]) -> float:
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=60) as client:
        return await cpu_of_each(_getter(client), order["urls"], order["at_once"])


async def by_httpx_aiohttp(order: Mapping[str, Any]) -> float:
    import httpx
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(trust_env=False, transport=AiohttpTransport(limits=limits), timeout=60) as client:
        return await cpu_of_each(_getter(client), order["urls"], order["at_once"])


async def by_aiohttp(order: Mapping[str, Any]) -> float:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def get(url: str) -> None:
            async with session.get(url) as response:
                response.raise_for_status()
                await response.read()

        return await cpu_of_each(get, order["urls"], order["at_once"])


def _getter(client: Any) -> Callable[[str], Awaitable[None]]:
    async def get(url: str) -> None:
        (await client.get(url)).raise_for_status()

    return get


WAYS = {"httpx": by_httpx, "httpx-aiohttp": by_httpx_aiohttp, "aiohttp": by_aiohttp}

if __name__ == "__main__":
    chosen = WAYS[sys.argv[1]]
    serve({sys.argv[1]: lambda order: asyncio.run(chosen(order))})
