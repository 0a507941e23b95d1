"""Where an answer leads on to."""

import aiohttp
import httpx

REDIRECTS = frozenset({301, 302, 303, 307, 308})


def redirect_target(response: aiohttp.ClientResponse, asked: httpx.URL) -> httpx.URL | None:
    """The next URL to ask, None when this is the answer. Raises httpx.InvalidURL for a Location that is no URL."""
    location = response.headers.get("location")
    if response.status not in REDIRECTS or location is None:
        return None
    url = httpx.URL(_text(location))
    if url.scheme and not url.host:
        url = url.copy_with(host=asked.host)  # `https:///b.jpg`: browsers stay at the same host
    return asked.join(url) if url.is_relative_url else url


def _text(header: str) -> str:
    """aiohttp keeps what is no UTF-8 as lone surrogates; such a Location is Latin-1."""
    try:
        header.encode()
    except UnicodeEncodeError:
        return header.encode("utf-8", "surrogateescape").decode("latin-1")
    return header
