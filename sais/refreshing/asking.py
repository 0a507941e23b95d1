"""Asking one source: unchanged, changed, or gone."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sais.dispatch import is_image
from sais.errors import MediaError, NotAnImage
from sais.fetching import Fetched
from sais.imaging import ImageFacts, inspect
from sais.pipeline.resources import Resources
from sais_models import Media

NOT_MODIFIED = 304


@dataclass(frozen=True)
class Unchanged:
    """304, or the bytes that the archive has already."""

    fetched: Fetched


@dataclass(frozen=True)
class Changed:
    """Other bytes, whole at `incoming`."""

    fetched: Fetched
    facts: ImageFacts
    incoming: Path


@dataclass(frozen=True)
class Refused:
    """The source has nothing to give that could be taken in; the archived original stays as it is."""

    error: MediaError


Answer = Unchanged | Changed | Refused


async def ask(resources: Resources, media: Media) -> Answer:
    """Raises StorageError when the disk fails."""
    incoming = resources.incoming(media.root, media.code)
    try:
        with resources.downloading() as waits:
            fetched = await resources.fetcher.fetch(
                media.url, incoming, etag=media.etag, last_modified=media.last_modified, waits=waits
            )
        if fetched.status_code == NOT_MODIFIED or fetched.checksum == media.checksum:
            incoming.unlink(missing_ok=True)
            return Unchanged(fetched)
        facts = await asyncio.to_thread(inspect, incoming, max_pixels=resources.settings.max_pixels)
        if facts.mime_type.startswith("image/") != is_image(media):
            raise NotAnImage("kind_changed", f"it was {media.mime_type}, and is {facts.mime_type} now")
    except MediaError as error:
        incoming.unlink(missing_ok=True)
        return Refused(error)
    return Changed(fetched, facts, incoming)
