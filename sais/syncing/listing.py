"""The listing step: what the storages have in some directories becomes rows, a page of 1,000 at a time."""

import asyncio
import time
from collections.abc import AsyncIterator

from sais.catalog.bulk import Row
from sais.catalog.discrepancies import ARCHIVE
from sais.catalog.stored_files import end_listing, save_checksums, save_listed, unread_files
from sais.errors import FileMissing
from sais.pipeline.gathering import in_pieces
from sais.pipeline.resources import Resources
from sais.storage import Entry
from sais.syncing.plan import SyncPart, place_of
from sais_models import FileMarking

PAGE = 1000
READ_TOGETHER = 200
READS_AT_ONCE = 8


class ListingReport:
    def __init__(self, part: SyncPart) -> None:
        self.part = part
        self.files = 0
        self.size = 0
        self.read = 0
        self.seconds = 0.0

    def __str__(self) -> str:
        read = f", {self.read} read" if self.read else ""
        return f"list {self.part.name}: {self.files} files, {self.size / 1e6:.1f} MB{read} in {self.seconds:.1f} s"


async def list_part(resources: Resources, part: SyncPart, *, checksums: bool) -> ListingReport:
    """Raises StorageError. With `checksums` also the bytes of the archive are read, of each version once."""
    start = time.perf_counter()
    report = ListingReport(part)
    for storage in part.plan.storages:
        for directory in part.directories:
            await _list(resources, storage, directory, report)
            if checksums and storage == ARCHIVE:
                report.read += await _read(resources, storage, directory)
    report.seconds = time.perf_counter() - start
    return report


async def _list(resources: Resources, storage: str, directory: str, report: ListingReport) -> None:
    plan = report.part.plan
    place, before = place_of(resources, storage)
    # Directly in the account's folder only: what is in the directories below it is listed there.
    entries = place.list(before + directory, deep=directory != plan.root)
    async for page in _pages(entries):
        rows = [_row(entry, storage, entry.path[len(before) :], directory, plan.root, plan.number) for entry in page]
        await resources.write(save_listed, rows)
        report.files += len(page)
        report.size += sum(entry.size for entry in page)
    await resources.write(end_listing, storage, directory, plan.number)


async def _pages(entries: AsyncIterator[Entry]) -> AsyncIterator[list[Entry]]:
    page: list[Entry] = []
    async for entry in entries:
        page.append(entry)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _row(entry: Entry, storage: str, path: str, directory: str, root: str, number: int) -> Row:
    return {
        "storage": storage,
        "path": path,
        "root": root,
        "directory": directory,
        "marking": FileMarking.FILE,
        "size": entry.size,
        "version": entry.version,
        "modified_at": entry.modified,
        "checksum": None,
        "seen_in": number,
    }


async def _read(resources: Resources, storage: str, directory: str) -> int:
    """Goes on with what is unread, so that a run that is tried again reads no file twice."""
    place, before = place_of(resources, storage)
    gate = asyncio.Semaphore(READS_AT_ONCE)
    count = 0

    async def checksum(path: str) -> Row:
        async with gate:
            try:
                return {"storage": storage, "path": path, "checksum": await place.checksum(before + path)}
            except FileMissing:  # gone since it was listed; a checksum of nothing differs from every other
                return {"storage": storage, "path": path, "checksum": ""}

    async def save(rows: list[Row]) -> None:
        await resources.write(save_checksums, rows)

    while files := await resources.read(unread_files, storage, directory, limit=READ_TOGETHER):
        await in_pieces((checksum(file.path) for file in files), READ_TOGETHER, save)
        count += len(files)
    return count
