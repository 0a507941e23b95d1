"""What goes wrong between us and an origin, turned into the tree of errors: transport exceptions and statuses.

transient: dns, connect, timeout, read, incomplete, http_408/425/429/500/502/503/504; host_paused (politeness.py)
permanent: tls, bad_redirect, empty and every other status; robots_disallowed and x_robots_noai (robots.py)
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
import httpx
from aiohttp.http_exceptions import ContentEncodingError

from sais.errors import MediaError, RefusedByOrigin, TransientMediaError
from sais.fetching.redaction import redact_url

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
EMPTY_STATUSES = frozenset({204, 205})
# A part that nobody asked for is not the image.
REFUSED_SUCCESSES = frozenset({206})
LONGEST_RETRY_AFTER = 3600.0

TRANSPORT_ERRORS = (aiohttp.ClientError, httpx.InvalidURL, OSError, TimeoutError)

# The first that fits; what fits none (a reset, bytes that are not HTTP) is "read".
REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((aiohttp.ClientSSLError,), "tls"),
    ((aiohttp.ClientConnectorDNSError,), "dns"),
    ((TimeoutError,), "timeout"),
    ((aiohttp.ClientConnectorError,), "connect"),
    ((aiohttp.ClientPayloadError,), "incomplete"),
    # Of what was asked the guard has made a URL: only a Location can be none.
    ((httpx.InvalidURL,), "bad_redirect"),
)


@contextmanager
def media_errors(url: object) -> Iterator[None]:
    """Transport exceptions inside become MediaErrors. Not chained: aiohttp's messages quote the URL with its query."""
    try:
        yield
    except TRANSPORT_ERRORS as error:
        raise media_error(error, url) from None


def media_error(error: BaseException, url: object) -> MediaError:
    """The error in our words."""
    origin_error = _refusal(error)
    if origin_error is not None:
        return origin_error
    reason = _reason(error)
    message = f"{reason}: {_detail(error)} ({redact_url(url)})"
    if reason in {"tls", "bad_redirect"}:
        return RefusedByOrigin(reason, message)
    return TransientMediaError(reason, message)


def _refusal(error: BaseException | None) -> MediaError | None:
    """The guard's own error, when a layer in between has wrapped it."""
    while error is not None and not isinstance(error, MediaError):
        error = error.__cause__
    return error


def _reason(error: BaseException) -> str:
    if isinstance(error.__cause__, ContentEncodingError):
        return "read"  # all bytes may be there, but they are not what they are said to be
    return next((reason for kinds, reason in REASONS if isinstance(error, kinds)), "read")


def _detail(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    return getattr(error, "strerror", None) or type(error).__name__


def check_status(status: int, headers: Mapping[str, str], url: object) -> None:
    """Passes a success with a body. Raises TransientMediaError or RefusedByOrigin (`http_NNN`, `empty`)."""
    if status in EMPTY_STATUSES:
        raise RefusedByOrigin("empty", status_code=status)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES and status not in REFUSED_SUCCESSES:
        return
    message = f"http_{status} ({redact_url(url)})"
    if status in TRANSIENT_STATUSES:
        pause = retry_after(headers.get("retry-after"), datetime.now(UTC))
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
