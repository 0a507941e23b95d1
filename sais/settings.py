"""Everything that can be configured from the environment (prefix `SAIS_`), in one class; the README has the table."""

import re
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_CONTACT = re.compile(r"[!-'*-~]{3,200}")  # printable ASCII but ( and ): it stands in a header's comment


class Settings(BaseSettings):
    """Sizes in bytes, times in seconds. Blocks in the Prefect UI go before the environment."""

    model_config = SettingsConfigDict(env_prefix="SAIS_", frozen=True, env_ignore_empty=True)

    home: Path = Field(Path("var"), description="Folder for the database, originals, archive and thumb cache")
    database_url: str | None = Field(None, repr=False, description="SQLAlchemy URL; default: SQLite in the home folder")
    archive_url: str | None = Field(None, description="`file:///…` or `s3://bucket/prefix` for originals")
    cache_url: str | None = Field(None, description="`file:///…` or `s3://bucket/prefix` for thumbs")
    s3_endpoint_url: str | None = Field(None, description="Endpoint of an S3 server that is not AWS")
    public_url: str = Field("http://127.0.0.1:8018", description="How clients reach the gateway")
    host: str = Field("127.0.0.1", description="Address that the gateway listens on")
    port: int = Field(8018, ge=0, le=65535, description="Port that the gateway listens on")
    gateway_workers: int = Field(1, gt=0, description="Processes of the gateway that serve; with more, no MCP sessions")
    registration_token: str | None = Field(
        None, repr=False, description="Bearer token that making an account then needs"
    )
    allow_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Hosts or networks, comma separated, that may be fetched though private"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks, comma separated, whose `X-Forwarded-For` tells who the client is"
    )
    access_log: Literal["json", "off"] = Field("json", description="`json`: a line a request on standard output")
    wait_seconds: float = Field(60, ge=0, description="Longest wait of a dispatch with `wait`")

    url: str | None = Field(
        None,
        description="Gateway that `sais register|queue|status|iterate|retry|cancel|webhooks` use; default: in-process",
    )
    api_key: str | None = Field(None, repr=False, description="Key of the account, for the command line at `SAIS_URL`")

    max_bytes: int = Field(100_000_000, gt=0, description="Largest original")
    max_pixels: int = Field(100_000_000, gt=0, description="Most pixels of an original, by its header")
    max_redirects: int = Field(5, ge=0, description="Redirects followed for one image")
    connect_seconds: float = Field(10, gt=0, description="Time to connect to an origin")
    read_seconds: float = Field(30, gt=0, description="Longest silence of an origin")
    fetch_seconds: float = Field(120, gt=0, description="Time for one whole image")
    fetch_concurrency: int = Field(32, gt=0, description="Fetches at once in one run")
    host_concurrency: int = Field(8, gt=0, description="Fetches at once from one host")
    host_rate: float = Field(100, ge=0, description="Requests a second to one host, by one run; 0: as many as it takes")
    host_failures: int = Field(10, gt=0, description="Failures of a host in a row after which it is left alone")
    host_pause_seconds: float = Field(
        300, gt=0, description="Longest time for which a host is left alone, also when it asks for more"
    )
    robots: Literal["off", "respect"] = Field(
        "off", description="`respect`: what a site's robots.txt disallows is not fetched"
    )
    x_robots: Literal["off", "respect"] = Field(
        "off", description="`respect`: what comes with an `X-Robots-Tag` of noai or noindex is not kept"
    )
    user_agent: str = Field("SAIS/0.1 (+https://github.com/survos-sites/sais)", description="Sent with each request")
    contact: str | None = Field(None, description="Address for complaints, sent with each request after `user_agent`")

    queue_limit: int = Field(
        100_000, gt=0, description="Waiting images of an account above which `/request` answers that the server is busy"
    )
    cache_delivery: Literal["stream", "redirect"] = Field(
        "stream", description="Thumbs in S3: sent on by the gateway, or a redirect to a presigned address"
    )
    busy_placeholder: bool = Field(
        False, description="A thumb that is not made yet answers 503 with a blurred picture as its body"
    )

    account_images: int | None = Field(None, ge=0, description="Most images of an account that is made from now on")
    account_bytes_per_day: int | None = Field(
        None, ge=0, description="Most bytes that an account made from now on downloads on one day"
    )
    account_queued: int | None = Field(
        None, ge=0, description="Most images that wait of an account made from now on; over it requests get 429"
    )
    account_runs: int = Field(
        2, ge=0, description="Runs of one account at once; further batches wait for their turn. 0: any number"
    )
    turn_seconds: float = Field(60, gt=0, description="How long a run goes on before it gives way to those who wait")
    bulk_runs: int = Field(4, gt=0, description="Runs at once of the worker that `sais up` starts")
    warm_runs: bool = Field(
        True, description="Runs are forked by a process of 150 MB that has imported everything, and begin 2 s earlier"
    )

    quick_images: int = Field(
        10, ge=0, description="A request of at most this many images is worked on at once by the quick runner; 0: never"
    )
    chunk_images: int = Field(500, gt=0, description="Most images in a chunk")
    chunk_bytes: int = Field(512_000_000, gt=0, description="Most bytes of originals in a chunk, as far as known")
    chunks_in_flight: int = Field(4, gt=0, description="Chunks that a run works on at once")
    imaging_workers: int = Field(0, ge=0, description="Processes that make thumbs; 0: one for each core")
    originals_days: float = Field(
        7, ge=0, description="Days that a local original stays after its last use once the archive has it"
    )
    originals_max_bytes: int | None = Field(
        None, ge=0, description="Most bytes of local originals; over it the longest unused go first"
    )
    lease_seconds: float = Field(
        60, gt=0, description="How long a run that dies keeps what it worked on from others; alive, it renews in time"
    )
    grace_seconds: float = Field(120, ge=0, description="Time for a run that was asked for to begin")
    chunk_retries: int = Field(3, ge=0, description="Tries again for what failed transiently in a chunk")
    retry_seconds: float = Field(2, gt=0, description="First pause before a retry; it doubles, with jitter")
    storage_seconds: float = Field(
        90, ge=0, description="How long a step waits for a storage that does not answer, or for a full disk"
    )
    notify_seconds: float = Field(
        5, ge=0, description="Time in which a chunk begins to send its webhooks; the rest is left to `deliver-webhooks`"
    )
    stop_seconds: float = Field(10, gt=0, description="Time in which `sais up` and a worker end when they are told to")
    webhook_seconds: float = Field(10, gt=0, description="Time for one webhook")

    keep_deliveries_days: int = Field(30, ge=0, description="Days that delivered webhooks are kept; 0: for ever")
    keep_batches_days: int = Field(
        90, ge=0, description="Days that settled batches and their items are kept; 0: for ever"
    )
    keep_runs_days: int = Field(30, ge=0, description="Days that Prefect keeps our runs and artifacts; 0: for ever")

    @field_validator("allow_hosts", "trusted_proxies", mode="before")
    @classmethod
    def split_hosts(cls, value: object) -> object:
        """`a.example, 10.0.0.0/8` as it stands in the environment."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @field_validator("contact")
    @classmethod
    def check_contact(cls, value: str | None) -> str | None:
        if value is not None and not _CONTACT.fullmatch(value):
            raise ValueError("a mail or web address, without spaces and brackets")
        return value

    @field_validator("home")
    @classmethod
    def absolute_home(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def effective_user_agent(self) -> str:
        """`SAIS/0.1 (+https://…; pictures@museum.example)`."""
        if self.contact is None:
            return self.user_agent
        if self.user_agent.endswith(")"):
            return f"{self.user_agent[:-1]}; {self.contact})"
        return f"{self.user_agent} ({self.contact})"

    @cached_property
    def originals_dir(self) -> Path:
        """The local folder of originals between download and eviction."""
        return self.home / "originals"

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'sais.db'}"

    @property
    def effective_archive_url(self) -> str:
        return self.archive_url or (self.home / "archive").as_uri()

    @property
    def effective_cache_url(self) -> str:
        return self.cache_url or (self.home / "cache").as_uri()
