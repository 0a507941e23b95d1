"""The archive step: every downloaded original of a chunk goes whole into the archive."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from sqlalchemy import Connection

from sais.catalog.bulk import Row
from sais.catalog.media import Lease, save_media, still_held
from sais.errors import FileMissing, StorageError
from sais.pipeline.claiming import Claim, claiming
from sais.pipeline.gathering import groups
from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from sais.storage import LocalFile
from sais_models import Chunk, Media, MediaMarking

SAVED_TOGETHER = 100
NAMES = ("code", "path", "mime_type", "size")


async def archive_chunk(resources: Resources, chunk: Chunk) -> ChunkReport:
    """Raises StorageError when the archive cannot take a file, FileMissing when it was lost since its download; what
    has been taken by then is saved."""
    report = ChunkReport("archive", chunk)
    async with claiming(resources, report, [MediaMarking.DOWNLOADED], NAMES) as claim:
        report.cancelled = not await resources.hold.until_cancelled(chunk.batch, _archive_all(resources, claim))
    return report


async def _archive_all(resources: Resources, claim: Claim) -> None:
    report = claim.report
    for group in groups(claim.media, most=SAVED_TOGETHER):
        async for kept in _archive(resources, group):
            rows = [{"code": media.code, "marking": MediaMarking.ARCHIVED} for media in kept]
            report.lost += await resources.write(_save, claim.lease, rows)
            report.done += len(kept)
            report.size += sum(media.size or 0 for media in kept)


def _save(connection: Connection, lease: Lease, rows: list[Row]) -> int:
    """How many of them another run has taken meanwhile."""
    held = still_held(connection, lease, [row["code"] for row in rows])
    save_media(connection, lease, [row for row in rows if row["code"] in held])
    return len(rows) - len(held)


async def _archive(resources: Resources, group: Sequence[Media]) -> AsyncIterator[Sequence[Media]]:
    """All together; when that fails, one after the other, each with patience, up to the one that cannot be kept."""
    try:
        await _write(resources, group)
    except StorageError:
        for media in group:
            await resources.patiently(partial(_write, resources, [media]))
            yield [media]
    else:
        yield group


async def _write(resources: Resources, group: Sequence[Media]) -> None:
    paths = [(media.path or "", media.mime_type or "") for media in group]
    files = [LocalFile(path, resources.original(path), mime_type) for path, mime_type in paths]
    try:
        with resources.ledger.timing("archive", len(files)):
            await resources.archive.write_files(files)
    except StorageError as error:
        if lost := [file.path for file in files if not file.source.exists()]:
            raise FileMissing(f"the download {lost[0]} is not there any more") from error  # no patience brings it back
        raise
