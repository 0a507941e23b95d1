"""Is everything there that work needs? Each check is made for real, and says what to do when it fails."""

import asyncio
import secrets
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from sais.catalog.database import open_database, reading
from sais.configuration import Configuration
from sais.errors import FileMissing, PrefectUnavailable, SaisError
from sais.fetching import redact_url
from sais.runs import DEPLOYMENT, QUICK_DEPLOYMENT, PrefectApi, PrefectSettings
from sais.storage import open_storage

DEPLOYMENTS = (
    DEPLOYMENT,
    QUICK_DEPLOYMENT,
    "deliver-webhooks/deliver-webhooks",
    "resume-stalled/resume-stalled",
    "rethumbnail/rethumbnail",
)
# Two chunks of originals at once, and the database's log.
LEAST_FREE_BYTES = 1_000_000_000
PROBE = b"sais doctor"
START_WORKER = "run `sais up`, or `SAIS_WORK_POOL={} python -m deployments.worker`"
DEPLOY = "run `sais up`, or `python -m deployments.bootstrap`"


@dataclass(frozen=True)
class Finding:
    """`remedy` is None where all is well."""

    check: str
    detail: str
    remedy: str | None = None

    @property
    def ok(self) -> bool:
        return self.remedy is None


async def examine(configuration: Configuration, prefect: PrefectSettings) -> list[Finding]:
    """Never raises for what it finds; in the order in which things depend on one another."""
    settings = configuration.settings
    storages: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
        ("originals", settings.originals_dir.as_uri(), {}),
        ("archive", configuration.archive_url, configuration.archive_options),
        ("thumb cache", configuration.cache_url, configuration.cache_options),
    )
    found = [await asyncio.to_thread(check_database, configuration.database_url)]
    found += [await check_storage(name, url, options) for name, url, options in storages]
    found.append(check_disk(settings.home))
    async with PrefectApi(prefect) as api:
        found += await check_prefect(api)
    return found


def check_database(url: str) -> Finding:
    """Opening brings the tables up to date, as every program of SAIS does."""
    try:
        engine = open_database(url)
        with reading(engine) as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            detail = f"{engine.dialect.name}, migrated to {revision}"
        engine.dispose()
    except (SaisError, SQLAlchemyError, OSError) as error:
        remedy = "start the database, or set SAIS_DATABASE_URL or SAIS_HOME to where it is"
        return Finding("database", _first_line(error), remedy)
    return Finding("database", detail)


async def check_storage(name: str, url: str, options: Mapping[str, Any]) -> Finding:
    """Writes a small file, reads it, removes it."""
    told = redact_url(url) if "@" in url else url
    path = f"doctor/{secrets.token_hex(8)}.txt"
    try:
        async with open_storage(url, options) as storage:
            await storage.write(path, PROBE, "text/plain")
            if await storage.read(path) != PROBE:
                return Finding(name, f"{told}: a file did not come back as it was written", "check the storage")
            await storage.delete(path)
    except FileMissing:
        return Finding(name, f"{told}: a file that was written was not there", "check the storage")
    except (SaisError, OSError) as error:
        return Finding(name, f"{told}: {_first_line(error)}", "see that it exists, and that SAIS may write there")
    return Finding(name, f"{told}: writes, reads, deletes")


def check_disk(home: Path) -> Finding:
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free in {place}"
    remedy = f"make room, at least {LEAST_FREE_BYTES / 1e9:.0f} GB, or set SAIS_HOME to a larger disk"
    return Finding("disk", detail, remedy if free < LEAST_FREE_BYTES else None)


async def check_prefect(api: PrefectApi) -> list[Finding]:
    """What needs the API is asked only when it answers."""
    url = api.settings.api_url or "PREFECT_API_URL is not set"
    try:
        await api.call("GET", "/health", attempts=2)
    except PrefectUnavailable as error:
        return [Finding("Prefect API", f"{url}: {error}", "run `sais up`, or set PREFECT_API_URL to your server")]
    checks: tuple[Callable[[PrefectApi], Awaitable[Finding]], ...] = (check_worker, check_deployments)
    return [Finding("Prefect API", url), *[await _asked(check, api) for check in checks]]


async def _asked(check: Callable[[PrefectApi], Awaitable[Finding]], api: PrefectApi) -> Finding:
    try:
        return await check(api)
    except PrefectUnavailable as error:
        return Finding(
            check.__name__.removeprefix("check_"), str(error), "ask again; if it stays so, see Prefect's log"
        )


async def check_worker(api: PrefectApi) -> Finding:
    pool = api.settings.work_pool
    # The latest heartbeat comes first.
    workers = await api.call("POST", f"/work_pools/{pool}/workers/filter", {"limit": 1})
    if workers is None:
        return Finding("worker", f"there is no work pool {pool}", DEPLOY)
    if not any(isinstance(worker, dict) and worker.get("status") == "ONLINE" for worker in workers):
        return Finding("worker", f"no worker of the work pool {pool} is online", START_WORKER.format(pool))
    return Finding("worker", f"online in the work pool {pool}")


async def check_deployments(api: PrefectApi) -> Finding:
    missing = [name for name in DEPLOYMENTS if await api.call("GET", f"/deployments/name/{name}") is None]
    if missing:
        return Finding("deployments", f"not there: {', '.join(missing)}", DEPLOY)
    return Finding("deployments", f"all {len(DEPLOYMENTS)} are there")


def _first_line(error: Exception) -> str:
    """What follows in a database's message is the statement."""
    return (str(error).splitlines() or [type(error).__name__])[0]
