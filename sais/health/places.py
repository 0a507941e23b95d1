"""The places where files are kept: each is tried for real."""

import asyncio
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sais.configuration import Configuration
from sais.errors import FileMissing, SaisError
from sais.fetching import redact_url
from sais.health.problems import Kind, Problem
from sais.storage import open_storage

PROBE = b"sais doctor"
TRY_SECONDS = 5.0
# Two chunks of originals at once, and the database's log.
LEAST_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Place:
    name: str
    url: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def told(self) -> str:
        """Its address without credentials."""
        return redact_url(self.url) if "@" in self.url else self.url


def places_of(configuration: Configuration) -> tuple[Place, ...]:
    return (
        Place("originals", configuration.settings.originals_dir.as_uri()),
        Place("archive", configuration.archive_url, configuration.archive_options),
        Place("thumb cache", configuration.cache_url, configuration.cache_options),
    )


async def storage_trouble(place: Place) -> str | None:
    """Writes a small file, reads it, removes it. What went wrong in words, None when nothing did."""
    path = f"doctor/{secrets.token_hex(8)}.txt"
    try:
        async with asyncio.timeout(TRY_SECONDS), open_storage(place.url, place.options) as storage:
            await storage.write(path, PROBE, "text/plain")
            whole = await storage.read(path) == PROBE
            await storage.delete(path)
    except FileMissing:
        return "a file that was written was not there"
    except TimeoutError:
        return f"no answer within {TRY_SECONDS:.0f} s"
    except (SaisError, OSError) as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    return None if whole else "a file did not come back as it was written"


def free_bytes(home: Path) -> tuple[Path, int]:
    """Of the disk of `home`, also before it is made; and where it was asked."""
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    return place, shutil.disk_usage(place).free


def room_trouble(home: Path, *, least: int) -> Problem | None:
    """`least`: with less than so many bytes not even one more original has room, and nothing goes on."""
    place, free = free_bytes(home)
    if free >= max(LEAST_FREE_BYTES, least):
        return None
    return Problem(Kind.DISK, str(place), f"{free / 1e9:.2f} GB are free", stops=free < least)


async def place_problems(configuration: Configuration) -> list[Problem]:
    settings, places = configuration.settings, places_of(configuration)
    room = await asyncio.to_thread(room_trouble, settings.home, least=settings.max_bytes)
    tried = await asyncio.gather(*map(storage_trouble, places))
    found = [
        Problem(Kind.STORAGE, place.name, f"{place.told}: {trouble}", stops=True)
        for place, trouble in zip(places, tried, strict=True)
        if trouble
    ]
    return [*([room] if room else []), *found]
