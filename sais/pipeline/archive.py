"""The archive step: every downloaded original of a chunk goes whole into the archive."""

import asyncio
import time

from sais.catalog.bulk import Row
from sais.catalog.media import claim_media, save_media
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from sais_models import Chunk, Media, MediaMarking

SAVED_TOGETHER = 100
WRITES_AT_ONCE = 16


async def archive_chunk(resources: Resources, chunk: Chunk) -> ChunkReport:
    """Raises StorageError when the archive cannot take a file; what it has taken by then is saved."""
    start = time.perf_counter()
    lease = resources.lease()
    report = ChunkReport("archive", chunk)
    claimed = await resources.write(claim_media, chunk, lease, [MediaMarking.DOWNLOADED])
    gate = asyncio.Semaphore(WRITES_AT_ONCE)
    async for rows in in_pieces((_archive(resources, media, gate, report) for media in claimed), SAVED_TOGETHER):
        await resources.write(save_media, lease, rows)
    report.seconds = time.perf_counter() - start
    return report


async def _archive(resources: Resources, media: Media, gate: asyncio.Semaphore, report: ChunkReport) -> Row:
    path = media.path or ""
    async with gate:
        with resources.ledger.timing("archive"):
            original, mime_type = resources.original(path), media.mime_type or ""
            await resources.patiently(lambda: resources.archive.write_file(path, original, mime_type))
    report.done += 1
    report.size += media.size or 0
    return {"code": media.code, "marking": MediaMarking.ARCHIVED}
