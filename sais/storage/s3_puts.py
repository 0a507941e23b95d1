"""Small objects into S3 through obstore's Rust client, where it does the same as s3fs for a quarter of the CPU."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit, urlunsplit
from urllib.request import getproxies

from botocore.httpsession import where
from obstore.store import MemoryStore, S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Credential

# What obstore can follow. Any other option, and any other value, is left to s3fs.
OPTIONS = {"key", "secret", "token", "username", "password", "endpoint_url", "profile", "use_ssl"}
CLIENT_OPTIONS = {"region_name", "endpoint_url", "use_ssl", "aws_access_key_id", "aws_secret_access_key"}
CLIENT_OPTIONS |= {"aws_session_token"}
CONFIG_OPTIONS = {"region_name", "signature_version", "retries", "max_pool_connections", "connect_timeout"}
CONFIG_OPTIONS |= {"read_timeout", "s3"}
S3_OPTIONS = {"addressing_style"}
# obstore reads the environment as well. Most of these mean nothing to botocore and would change what is kept; the
# address of S3 goes before the one that obstore is given.
FOREIGN_VARIABLES = (
    "AWS_ALLOW_INVALID_CERTIFICATES",
    "AWS_CHECKSUM_ALGORITHM",
    "AWS_DEFAULT_HEADERS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_PROXY",
    "AWS_REQUEST_PAYER",
    "AWS_S3_EXPRESS",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SSE_",
)
# From the first byte to the answer. An object has 16 MB at most, and 16 are under way: 17 Mbit/s are enough.
PUT_TIMEOUT = timedelta(seconds=120)
# botocore renews credentials ten minutes before they end, so what it gave out a minute ago is still good.
CREDENTIALS_HOLD = timedelta(minutes=1)
# After s3fs could do what obstore could not. A bucket in another region, for one, would refuse each object once.
PAUSE_SECONDS = 60
KEY = "key"


class Puts:
    """Of whole objects, one try each: what fails is for s3fs to try again, and to put into words. `now` in seconds."""

    def __init__(self, store: S3Store | MemoryStore, now: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._resume = 0.0

    @classmethod
    async def of(cls, files: Any, bucket: str, options: Mapping[str, Any]) -> Self | None:
        """`files` is the open s3fs system of these options. None where only s3fs does what they say."""
        # Without credentials botocore signs nothing.
        credentials = files.s3._get_credentials()
        if credentials is None or not _can_follow(options) or bucket.endswith("--x-s3"):
            return None
        # botocore's own rules say where the bucket is: endpoints, regions, styles of address, profiles and variables.
        signed = await files.s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": KEY})
        place = _place(signed, bucket)
        if place is None or (place["endpoint"].startswith("https:") and files.session.get_config_variable("ca_bundle")):
            return None
        return cls(_store(bucket, place, credentials, files.s3.meta.config.connect_timeout))

    async def put(self, key: str, data: bytes, mime_type: str) -> str | None:
        """The ETag as the server wrote it; None when nothing may have been kept."""
        if self._now() < self._resume:
            return None
        try:
            attributes = {"Content-Type": mime_type}
            answer = await self._store.put_async(key, data, attributes=attributes, use_multipart=False)
        except Exception:
            return None
        return answer["e_tag"] or ""

    def pause(self) -> None:
        """Not any longer when it is paused already: there is always somebody who puts meanwhile."""
        now = self._now()
        if now >= self._resume:
            self._resume = now + PAUSE_SECONDS


class _Credentials:
    """botocore's, for obstore: it asks again when they have been held for a minute."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    async def __call__(self) -> "S3Credential":
        now = await self._credentials.get_frozen_credentials()
        return {
            "access_key_id": now.access_key,
            "secret_access_key": now.secret_key,
            "token": now.token,
            "expires_at": datetime.now(UTC) + CREDENTIALS_HOLD,
        }

    @property
    def refresh_threshold(self) -> timedelta:
        return timedelta(0)


def _can_follow(options: Mapping[str, Any]) -> bool:
    client, config = options.get("client_kwargs") or {}, options.get("config_kwargs") or {}
    given = {name for name, value in options.items() if value} - {"client_kwargs", "config_kwargs"}
    # `verify` as a folder or a file names other authorities than the usual ones; False names none.
    verify = client.get("verify") in {None, True}
    return (
        verify
        and given <= OPTIONS
        and set(client) - {"verify"} <= CLIENT_OPTIONS
        and set(config) <= CONFIG_OPTIONS
        and set(config.get("s3") or {}) <= S3_OPTIONS
        and not set(getproxies()) - {"no"}
        and not any(name.upper().startswith(FOREIGN_VARIABLES) for name in os.environ)
    )


def _place(signed: str, bucket: str) -> dict[str, Any] | None:
    """From a presigned address. None for a signature that is not SigV4, and for addresses of another form."""
    parts = urlsplit(signed)
    said = parse_qs(parts.query)
    if said.get("X-Amz-Algorithm") != ["AWS4-HMAC-SHA256"]:
        return None
    _, _, region, _, _ = said["X-Amz-Credential"][0].rsplit("/", 4)
    by_path, by_name = parts.path == f"/{bucket}/{KEY}", parts.path == f"/{KEY}"
    if not by_path and not (by_name and parts.netloc.startswith(f"{bucket}.")):
        return None
    endpoint = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    return {"endpoint": endpoint, "region": region, "virtual_hosted_style_request": by_name}


def _store(bucket: str, place: dict[str, Any], credentials: Any, connect_seconds: float) -> S3Store:
    client: ClientConfig = {
        "allow_http": place["endpoint"].startswith("http:"),
        "connect_timeout": timedelta(seconds=connect_seconds),
        "timeout": PUT_TIMEOUT,
    }
    if not client["allow_http"]:
        # The authorities that botocore trusts, also where the system has none.
        client["root_certificate"] = Path(where()).read_text()
    return S3Store(
        bucket,
        credential_provider=_Credentials(credentials),
        skip_signature=False,
        unsigned_payload=False,
        client_options=client,
        retry_config={"max_retries": 0, "retry_timeout": PUT_TIMEOUT},
        **place,
    )
