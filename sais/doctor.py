"""Is everything there that work needs? Each check is made for real, and says what to do when it fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from sais.catalog.database import open_database, reading
from sais.configuration import Configuration
from sais.errors import PrefectUnavailable, SaisError
from sais.health import (
    LEAST_FREE_BYTES,
    Facts,
    Kind,
    Place,
    PoolState,
    Problem,
    Word,
    free_bytes,
    judge,
    look_at_pool,
    look_at_work,
    place_problems,
    places_of,
    storage_trouble,
)
from sais.runs import DEPLOYMENT, QUICK_DEPLOYMENT, PrefectApi, PrefectSettings

DEPLOYMENTS = (
    DEPLOYMENT,
    QUICK_DEPLOYMENT,
    "deliver-webhooks/deliver-webhooks",
    "resume-stalled/resume-stalled",
    "alert/alert",
    "retry-failed/retry-failed",
    "rethumbnail/rethumbnail",
    "transfer/transfer",
    "purge/purge",
    "retention/retention",
    "sync-storage/sync-storage",
    "evict-originals/evict-originals",
    "refresh-sources/refresh-sources",
)
START_WORKER = "run `sais up`, or `SAIS_WORK_POOL={} python -m deployments.worker`"
DEPLOY = "run `sais up`, or `python -m deployments.bootstrap`"
REMEDIES = {
    Word.STALLED: "see the checks of Prefect and the worker; in Prefect, why no run begins",
    Word.BLOCKED: "see the other checks",
    Word.SLOW: "start more workers, or see in Prefect what its runs wait for",
}
PROBLEM_REMEDIES = {
    Kind.QUICK_LANE: "run `sais up`, or `python -m deployments.quick_runner`",
    Kind.RECEIVER: "have the receiver answer 2xx; `sais webhooks list` tells what waits for it",
    Kind.HOST: "see that the host answers; `sais iterate` sends again what failed",
}


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
    found = [await asyncio.to_thread(check_database, configuration.database_url)]
    found += [await check_storage(place) for place in places_of(configuration)]
    found.append(check_disk(configuration.settings.home))
    async with PrefectApi(prefect) as api:
        found += await check_prefect(api)
        if found[0].ok:
            pool, places = await asyncio.gather(look_at_pool(api), place_problems(configuration))
            found += await asyncio.to_thread(check_work, configuration, pool, places)
    return found


def check_work(configuration: Configuration, pool: PoolState, places: Sequence[Problem]) -> list[Finding]:
    """What waits, judged as `/status` judges it, and each host or receiver that is in its way."""
    engine = open_database(configuration.database_url)
    try:
        with reading(engine) as connection:
            work = look_at_work(connection, configuration.settings)
    except SQLAlchemyError as error:
        return [Finding("work", _first_line(error), "see the check of the database")]
    finally:
        engine.dispose()
    health = judge(Facts(work.waiting, pool, [*places, *work.problems]))
    state = "idle" if health.idle else f"{work.waiting.images} images in {work.waiting.batches} batches wait"
    detail = ": ".join(filter(None, (health.word, health.detail or state)))
    found = [Finding("work", detail, REMEDIES.get(health.word))]
    return found + [
        Finding(one.kind.replace("_", " "), f"{one.subject}: {one.detail}", PROBLEM_REMEDIES[one.kind])
        for one in work.problems
    ]


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


async def check_storage(place: Place) -> Finding:
    trouble = await storage_trouble(place)
    if trouble:
        return Finding(place.name, f"{place.told}: {trouble}", "see that it exists, and that SAIS may write there")
    return Finding(place.name, f"{place.told}: writes, reads, deletes")


def check_disk(home: Path) -> Finding:
    place, free = free_bytes(home)
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
    name, pool = api.settings.work_pool, await look_at_pool(api)
    if pool.unreachable:
        raise PrefectUnavailable(pool.unreachable)
    beat = "" if pool.heartbeat is None else f", the last heartbeat {pool.heartbeat:.0f} s ago"
    if pool.trouble:
        remedy = DEPLOY if pool.heartbeat is None and "no work pool" in pool.trouble else START_WORKER.format(name)
        return Finding("worker", pool.trouble + beat, remedy)
    return Finding("worker", f"online in the work pool {name}{beat}")


async def check_deployments(api: PrefectApi) -> Finding:
    missing = [name for name in DEPLOYMENTS if await api.call("GET", f"/deployments/name/{name}") is None]
    if missing:
        return Finding("deployments", f"not there: {', '.join(missing)}", DEPLOY)
    return Finding("deployments", f"all {len(DEPLOYMENTS)} are there")


def _first_line(error: Exception) -> str:
    """What follows in a database's message is the statement."""
    return (str(error).splitlines() or [type(error).__name__])[0]
