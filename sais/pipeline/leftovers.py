"""Unfinished files that killed runs left: removed at the start of a run, when nobody can still be writing them."""

import asyncio
import logging

from sais.errors import StorageError
from sais.settings import Settings
from sais.storage import Storage
from sais.whole_files import remove_abandoned

log = logging.getLogger(__name__)

INCOMING = ".incoming"


async def remove_leftovers(settings: Settings, *storages: Storage) -> int:
    """What is older than a lease, and than one whole fetch. Returns how many files; trouble with it stops no run."""
    age = max(settings.lease_seconds, settings.fetch_seconds)
    removed = await asyncio.to_thread(_incoming, settings, age)
    for storage in storages:
        try:
            removed += await storage.clean(age)
        except StorageError as error:
            log.warning("unfinished files stay: %s", error)
    if removed:
        log.info("%s unfinished files of former runs removed", removed)
    return removed


def _incoming(settings: Settings, age: float) -> int:
    try:
        folders = list(settings.originals_dir.glob(f"*/{INCOMING}"))
        return sum(remove_abandoned(folder, older_than=age) for folder in folders)
    except OSError as error:
        log.warning("unfinished originals stay: %s", error)
        return 0
