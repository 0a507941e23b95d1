"""Prefect's REST API, as much of it as SAIS asks without importing Prefect."""

import asyncio
import os
import random
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sais.errors import PrefectBusy, PrefectUnavailable

# SQLite behind the Prefect server answers 3 to 10 % of create_flow_run calls with 503.
ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.1
CALL_SECONDS = 5.0
TOO_MANY_REQUESTS = 429
BUSY = (TOO_MANY_REQUESTS, 503)
EMBEDDED_PORT = 4200


class PrefectSettings(BaseSettings):
    """Where Prefect is, by Prefect's own variables. Without `api_url` no run is started."""

    model_config = SettingsConfigDict(env_prefix="PREFECT_", frozen=True, env_ignore_empty=True)

    api_url: str | None = Field(None, description="As http://127.0.0.1:4200/api")
    ui_url: str | None = Field(None, description="Where people see Prefect; default: the API's address without /api")
    api_auth_string: SecretStr | None = Field(None, description="user:password, for Basic authentication")
    api_key: SecretStr | None = Field(None, description="Bearer key")
    work_pool: str = Field("sais", validation_alias="SAIS_WORK_POOL", description="The pool whose workers are watched")

    @classmethod
    def or_embedded(cls) -> "PrefectSettings":
        """As the environment says; without PREFECT_API_URL the server of `sais up` on this machine."""
        port = os.environ.get("SAIS_PREFECT_PORT") or EMBEDDED_PORT
        told = cls()
        return told if told.api_url else told.model_copy(update={"api_url": f"http://127.0.0.1:{port}/api"})

    @property
    def effective_ui_url(self) -> str | None:
        url = self.ui_url or (self.api_url or "").rstrip("/").removesuffix("/api")
        return url.rstrip("/") or None

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key.get_secret_value()}"} if self.api_key else {}

    def basic(self) -> httpx.BasicAuth | None:
        if self.api_auth_string is None:
            return None
        user, _, password = self.api_auth_string.get_secret_value().partition(":")
        return httpx.BasicAuth(user, password)


class PrefectApi:
    """Open it with `async with`. Every call raises PrefectUnavailable when there is no usable answer."""

    def __init__(self, settings: PrefectSettings) -> None:
        self.settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.api_url or "",
            headers=settings.headers(),
            auth=settings.basic(),
            timeout=CALL_SECONDS,
            # A proxy of the environment is no way to this machine.
            trust_env=not is_loopback(urlsplit(settings.api_url or "").hostname),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, attempts: int = ATTEMPTS
    ) -> Any:
        """The JSON of a 2xx answer (204: {}), None for 404. Tries again after 429, 5xx and lost connections.

        Raises PrefectBusy when the last answer was 429 or 503.
        """
        if not self.settings.api_url:
            raise PrefectUnavailable("PREFECT_API_URL is not set")
        problem, status = "", 0
        for attempt in range(attempts):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))  # noqa: S311
            try:
                answer = await self._client.request(method, path, json=body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                problem, status = f"{type(error).__name__} {error}".rstrip(), 0
                continue
            status = answer.status_code
            if status != TOO_MANY_REQUESTS and not answer.is_server_error:
                return _content(method, path, answer)
            problem = f"status {status}"
        kind = PrefectBusy if status in BUSY else PrefectUnavailable
        raise kind(f"{method} {path} at Prefect: {problem}")


def _content(method: str, path: str, answer: httpx.Response) -> Any:
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    if not answer.is_success:
        raise PrefectUnavailable(f"{method} {path} at Prefect: status {answer.status_code}")
    if answer.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        return answer.json()
    except ValueError:
        raise PrefectUnavailable(f"{method} {path} at Prefect: not JSON; is PREFECT_API_URL right?") from None


def is_loopback(host: str | None) -> bool:
    """Whether `host` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
