"""Who may send to `/tools` and `/mcp`: programs, and pages of this gateway's own origin."""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from mcp.server.transport_security import TransportSecuritySettings

from sais.settings import Settings

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


def check_sender(request: Request, settings: Settings) -> None:
    """Raises 415 for what is not sent as JSON, 403 for a page of another site."""
    if request.method == "POST":
        _check_content_type(request)
    _check_origin(request, settings)


def _check_content_type(request: Request) -> None:
    """JSON alone: a page of another site can post the other kinds without asking."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send JSON, with Content-Type: application/json")


def _check_origin(request: Request, settings: Settings) -> None:
    """A browser says which page asks. Raises 403 for one of another site, also when that site's name was made to lead
    to this machine (DNS rebinding)."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    parts = urlsplit(origin)
    is_local = parts.scheme == "http" and parts.hostname in {name.strip("[]") for name in LOOPBACK_NAMES}
    if not is_local and origin != _origin_of(settings.public_url):
        raise HTTPException(403, "pages of another origin may not call this")


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def allowed_senders(settings: Settings) -> TransportSecuritySettings:
    """Host and Origin of those who mean this gateway: by its public address, or by a name of this machine."""
    return TransportSecuritySettings(
        allowed_hosts=[
            urlsplit(settings.public_url).netloc,
            *(name + port for name in (*LOOPBACK_NAMES, settings.host) for port in ("", ":*")),
        ],
        allowed_origins=[
            _origin_of(settings.public_url),
            *(f"http://{name}{port}" for name in LOOPBACK_NAMES for port in ("", ":*")),
        ],
    )
