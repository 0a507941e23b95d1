"""The one HTTP client of a run: httpx's API over aiohttp's connections, every connection past the guard."""

import logging
import ssl
from contextvars import ContextVar
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
import yarl
from aiohttp.client_middlewares import ClientHandlerType
from aiohttp.tracing import Trace
from httpx_aiohttp import AiohttpTransport

from sais.fetching.resolver import GuardedResolver
from sais.settings import Settings

ACCEPT = "image/avif,image/webp,image/*,audio/*;q=0.8,video/*;q=0.8,*/*;q=0.5"
# An idle connection costs a file descriptor. Chunks follow each other at once; nothing later is worth waiting for.
KEEPALIVE_SECONDS = 2.0
# Some sites send policies and cookies beyond aiohttp's 8 KB a header.
LONGEST_HEADER = 65_536

EXACT_URL: ContextVar[str] = ContextVar("exact_url")


def open_client(settings: Settings, resolver: GuardedResolver) -> httpx.AsyncClient:
    """No proxies or credentials from the environment, no cookies, no redirects followed. Close it when done."""
    _silence_request_lines()
    # One SSL context for all: each costs 20 to 30 ms. trust_env here only means SSL_CERT_FILE and SSL_CERT_DIR.
    context = httpx.create_ssl_context(trust_env=True)
    transport = AiohttpTransport(verify=context, client=lambda: _session(resolver, context))
    return httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"accept": ACCEPT, "accept-encoding": "identity", "user-agent": settings.effective_user_agent},
        # "pool" is aiohttp's bound over name lookup, connection and TLS together.
        timeout=httpx.Timeout(settings.read_seconds, connect=settings.connect_seconds, pool=settings.connect_seconds),
    )


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


def _session(resolver: GuardedResolver, context: ssl.SSLContext) -> aiohttp.ClientSession:
    connector = ClosingConnector(
        resolver=resolver,
        limit=0,  # the slots limit; a wait in here would count as time to connect
        ssl=context,
        keepalive_timeout=KEEPALIVE_SECONDS,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        middlewares=(_ask_exactly,),
    )


async def _ask_exactly(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp rewrites `%2F` in a query to `/` and `%2C` in a path to `,`, and so breaks URLs that are signed."""
    request.url = yarl.URL(EXACT_URL.get(), encoded=True)
    return await handler(request)


def _silence_request_lines() -> None:
    """httpx logs each request at INFO, with the query: one line an image, and tokens in it."""
    logger = logging.getLogger("httpx")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
