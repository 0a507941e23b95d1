"""The archive step: every downloaded original of a chunk goes whole into the archive."""

import asyncio

from sqlalchemy import Connection

from sais.catalog.bulk import Row
from sais.catalog.media import Lease, save_media, still_held
from sais.pipeline.claiming import Claim, claiming
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from sais_models import Chunk, Media, MediaMarking

SAVED_TOGETHER = 100
WRITES_AT_ONCE = 16


async def archive_chunk(resources: Resources, chunk: Chunk) -> ChunkReport:
    """Raises StorageError when the archive cannot take a file; what it has taken by then is saved."""
    report = ChunkReport("archive", chunk)
    async with claiming(resources, report, [MediaMarking.DOWNLOADED]) as claim:
        report.cancelled = not await resources.hold.until_cancelled(chunk.batch, _archive_all(resources, claim))
    return report


async def _archive_all(resources: Resources, claim: Claim) -> None:
    gate, report = asyncio.Semaphore(WRITES_AT_ONCE), claim.report
    async for rows in in_pieces((_archive(resources, media, gate, report) for media in claim.media), SAVED_TOGETHER):
        report.lost += await resources.write(_save, claim.lease, rows)


def _save(connection: Connection, lease: Lease, rows: list[Row]) -> int:
    """How many of them another run has taken meanwhile."""
    held = still_held(connection, lease, [row["code"] for row in rows])
    save_media(connection, lease, [row for row in rows if row["code"] in held])
    return len(rows) - len(held)


async def _archive(resources: Resources, media: Media, gate: asyncio.Semaphore, report: ChunkReport) -> Row:
    path = media.path or ""
    async with gate:
        with resources.ledger.timing("archive"):
            original, mime_type = resources.original(path), media.mime_type or ""
            await resources.patiently(lambda: resources.archive.write_file(path, original, mime_type))
    report.done += 1
    report.size += media.size or 0
    return {"code": media.code, "marking": MediaMarking.ARCHIVED}
