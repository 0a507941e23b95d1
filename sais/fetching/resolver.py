"""Names to addresses, each address past the guard; the connection goes to exactly these (no DNS rebinding)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from sais.errors import RefusedHost
from sais.fetching.guard import Guard

# As `socket.getaddrinfo` gives them: family, type, protocol, canonical name, (address, port, …).
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
Lookup = Callable[[str, int, int], Awaitable[Sequence[AddressInfo]]]


class GuardedResolver(AbstractResolver):
    """For an aiohttp connector. `resolve(host, port, family)` defaults to `getaddrinfo` on `threads` own threads.

    Own threads: the loop's default pool has 6 on two cores, and 6 dead name servers would stop every other fetch.
    """

    def __init__(self, guard: Guard, resolve: Lookup | None = None, *, threads: int = 32) -> None:
        self._guard = guard
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sais-dns")
        self._lookup = resolve or self._getaddrinfo

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The permitted addresses. Raises RefusedHost when none of them is, OSError when there are none."""
        found = await self._lookup(host, port, family)
        permitted = [info for info in found if self._guard.permits(host, ip_address(info[4][0]))]
        if found and not permitted:
            raise RefusedHost("refused_host", f"{host} has no public address")
        if not permitted:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return [_result(host, port, info) for info in permitted]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _getaddrinfo(self, host: str, port: int, family: int) -> Sequence[AddressInfo]:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, _getaddrinfo, host, port, socket.AddressFamily(family)
        )


def _getaddrinfo(host: str, port: int, family: socket.AddressFamily) -> Sequence[AddressInfo]:
    return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)


def _result(host: str, port: int, info: AddressInfo) -> ResolveResult:
    family, _, proto, _, endpoint = info
    return ResolveResult(
        hostname=host,
        host=str(endpoint[0]),
        port=port,
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
