"""What goes wrong between us and an origin, turned into the tree of errors: transport exceptions and statuses.

transient: dns, connect, timeout, read, incomplete, http_408/425/429/500/502/503/504; host_paused (politeness.py)
permanent: tls, bad_redirect, empty and every other status; robots_disallowed and x_robots_noai (robots.py)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import httpx

from sais.errors import MediaError, RefusedByOrigin, TransientMediaError
from sais.fetching.redaction import redact_url

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
EMPTY_STATUSES = frozenset({204, 205})
# A part that nobody asked for is not the image.
REFUSED_SUCCESSES = frozenset({206})
LONGEST_RETRY_AFTER = 3600.0

TRANSPORT_ERRORS = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, TimeoutError)

# The first that fits; what fits none (a reset, bytes that are not HTTP) is "read".
REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((aiohttp.ClientSSLError,), "tls"),
    ((aiohttp.ClientConnectorDNSError,), "dns"),
    ((TimeoutError, httpx.TimeoutException), "timeout"),
    ((aiohttp.ClientConnectorError,), "connect"),
    ((aiohttp.ClientPayloadError,), "incomplete"),
    # aiohttp speaks the protocol: httpx itself complains only of a Location that is no URL.
    ((httpx.InvalidURL, httpx.RemoteProtocolError), "bad_redirect"),
)


@contextmanager
def media_errors(url: object) -> Iterator[None]:
    """Transport exceptions inside become MediaErrors. Not chained: aiohttp's messages quote the URL with its query."""
    try:
        yield
    except TRANSPORT_ERRORS as error:
        raise media_error(error, url) from None


def media_error(error: BaseException, url: object) -> MediaError:
    """The error in our words.

    httpx-aiohttp calls a bad certificate, or a lost connection, ConnectTimeout: the cause knows better.
    """
    origin_error = _refusal(error)
    if origin_error is not None:
        return origin_error
    root = error.__cause__ if isinstance(error, httpx.TransportError) and error.__cause__ else error
    reason = _reason(root)
    message = f"{reason}: {_detail(root)} ({redact_url(url)})"
    if reason in {"tls", "bad_redirect"}:
        return RefusedByOrigin(reason, message)
    return TransientMediaError(reason, message)


def _refusal(error: BaseException | None) -> MediaError | None:
    """The guard's own error, when a layer in between has wrapped it."""
    while error is not None and not isinstance(error, MediaError):
        error = error.__cause__
    return error


def _reason(error: BaseException) -> str:
    return next((reason for kinds, reason in REASONS if isinstance(error, kinds)), "read")


def _detail(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    return getattr(error, "strerror", None) or type(error).__name__


def check_status(response: httpx.Response) -> None:
    """Passes a success with a body. Raises TransientMediaError or RefusedByOrigin (`http_NNN`, `empty`)."""
    status = response.status_code
    if status in EMPTY_STATUSES:
        raise RefusedByOrigin("empty", status_code=status)
    if response.is_success and status not in REFUSED_SUCCESSES:
        return
    message = f"http_{status} ({redact_url(response.url)})"
    if status in TRANSIENT_STATUSES:
        pause = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        raise TransientMediaError(f"http_{status}", message, status_code=status, retry_after=pause)
    raise RefusedByOrigin(f"http_{status}", message, status_code=status)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header (seconds, or an HTTP date), 0 to 3600; None when there is none to read."""
    if value is None:
        return None
    value = value.strip()
    if value.isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
