"""The one HTTP client of a run: aiohttp's, every connection past the guard (docs/decisions/0020)."""

import os
import ssl
from functools import lru_cache

import aiohttp
import httpx
from aiohttp.tracing import Trace

from sais.fetching.resolver import GuardedResolver
from sais.settings import Settings

ACCEPT = "image/avif,image/webp,image/*,audio/*;q=0.8,video/*;q=0.8,*/*;q=0.5"
# An idle connection costs a file descriptor. Chunks follow each other at once; nothing later is worth waiting for.
KEEPALIVE_SECONDS = 2.0
# Some sites send policies and cookies beyond aiohttp's 8 KB a header.
LONGEST_HEADER = 65_536

# A photograph of 200 KB comes in a few pieces then; each costs a turn of the event loop.
READ_BYTES = 2**18


def open_session(settings: Settings, resolver: GuardedResolver) -> aiohttp.ClientSession:
    """No proxies or credentials from the environment, no cookies. In a running event loop; close it when done."""
    connector = ClosingConnector(
        resolver=resolver,
        limit=0,  # the slots limit; a wait in here would count as time to connect
        ssl=ssl_context(),
        keepalive_timeout=KEEPALIVE_SECONDS,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"accept": ACCEPT, "accept-encoding": "identity", "user-agent": settings.effective_user_agent},
        # "connect" is the bound over name lookup, connection and TLS together.
        timeout=aiohttp.ClientTimeout(
            connect=settings.connect_seconds,
            sock_connect=settings.connect_seconds,
            sock_read=settings.read_seconds,
        ),
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        read_bufsize=READ_BYTES,
    )


def ssl_context() -> ssl.SSLContext:
    """Trusts the authorities in SSL_CERT_FILE and SSL_CERT_DIR, else those of certifi, as they are when they are first
    read: that costs 20 to 40 ms, so once a process. Raises OSError when they cannot be read."""
    return _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(1)
def _trusting(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    if cert_file or cert_dir:
        return ssl.create_default_context(cafile=cert_file, capath=cert_dir)
    return httpx.create_ssl_context(trust_env=False)


class ClosingConnector(aiohttp.TCPConnector):
    """Closes a connection after a request that says `Connection: close`; aiohttp would leave that to the server."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (the signature is aiohttp's)
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        if req.headers.get("connection") == "close" and connection.protocol is not None:
            connection.protocol.force_close()
        return connection
