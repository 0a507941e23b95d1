"""The download step: every new media of a chunk is fetched whole into the local folder, or gets its reason."""

import asyncio
import time
from pathlib import Path

from sqlalchemy import Connection

from sais.addressing import path_of
from sais.catalog.accounts import get_account
from sais.catalog.bulk import Row
from sais.catalog.media import Lease, claim_media, count_held_elsewhere, release_media, save_media
from sais.errors import DayIsSpent, MediaError
from sais.fetching import Fetched
from sais.imaging import inspect
from sais.pipeline.day_budget import DayBudget, note_bytes
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import ChunkReport, Failure
from sais.pipeline.resources import Resources
from sais.settling import settle
from sais.upload import is_upload, recall
from sais_models import Chunk, Layout, Media, MediaMarking

# A kill loses the state of at most this many files; each commit costs about as much as five rows.
SAVED_TOGETHER = 50


async def download_chunk(resources: Resources, chunk: Chunk, *, last_try: bool) -> ChunkReport:
    """Fetches what the chunk has that is new; `left` in the report is worth another try.

    An account's bytes of the day may run out: what is left then fails at once, to be tried tomorrow.
    On the last try what is left becomes `failed`, retryable: the sweep takes it up again later.
    """
    start = time.perf_counter()
    lease = resources.lease()
    report = ChunkReport("download", chunk)
    claimed = await resources.write(claim_media, chunk, lease, [MediaMarking.NEW])
    layout = (await resources.read(get_account, chunk.root)).layout
    budget = await resources.read(DayBudget.of, chunk.root, resources.settings.fetch_concurrency)
    fetching = (_download(resources, media, layout, report, budget, last_try) for media in claimed)
    async for rows in in_pieces(fetching, SAVED_TOGETHER):
        spent = budget.take_unsaved()
        budget.see(await resources.write(_save, lease, rows, chunk.root, spent, resources.settings.public_url))
    report.held = await resources.read(count_held_elsewhere, chunk, resources.run)
    report.seconds = time.perf_counter() - start
    return report


async def _download(
    resources: Resources, media: Media, layout: Layout, report: ChunkReport, budget: DayBudget, last_try: bool
) -> Row:
    incoming = resources.incoming(media.root, media.code)
    try:
        with resources.ledger.timing("download"):
            fetched = await _bytes_of(resources, media, incoming, budget)
        with resources.taking_in():
            row = await asyncio.to_thread(_take_in, resources, media, layout, incoming, fetched)
    except MediaError as error:
        incoming.unlink(missing_ok=True)
        final = last_try or not error.retryable or isinstance(error, DayIsSpent)
        report.failures.append(Failure.of(media, error.reason, final=final))
        return _failed(media, error, final=final)
    report.done += 1
    report.size += fetched.size
    resources.ledger.counts["bytes downloaded"] += fetched.size
    resources.ledger.counts["downloads"] += 1
    return row


async def _bytes_of(resources: Resources, media: Media, incoming: Path, budget: DayBudget) -> Fetched:
    if is_upload(media.url):
        return await recall(media, incoming, resources.archive)
    async with budget.turn():
        fetched = await resources.fetcher.fetch(media.url, incoming)
        budget.spend(fetched.size)
        return fetched


def _take_in(resources: Resources, media: Media, layout: Layout, incoming: Path, fetched: Fetched) -> Row:
    """Looks at the header, and gives the file its place and the extension that its bytes tell."""
    facts = inspect(incoming, max_pixels=resources.settings.max_pixels)
    path = path_of(media.root, media.code, layout, facts.ext)
    place = resources.original(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    incoming.replace(place)
    return {
        "code": media.code,
        "marking": MediaMarking.DOWNLOADED,
        "path": path,
        "reason": None,
        "retryable": False,
        "attempts": media.attempts + 1,
        "status_code": fetched.status_code,
        "mime_type": facts.mime_type,
        "size": fetched.size,
        "width": facts.width,
        "height": facts.height,
        "exif": facts.exif,
        "checksum": fetched.checksum,
        "etag": fetched.etag,
        "last_modified": fetched.last_modified,
    }


def _failed(media: Media, error: MediaError, *, final: bool) -> Row:
    """The same columns as a success, so that one statement saves both; not final: still new, with the reason noted."""
    return {
        "code": media.code,
        "marking": MediaMarking.FAILED if final else MediaMarking.NEW,
        "path": None,
        "reason": error.reason,
        "retryable": error.retryable,
        "attempts": media.attempts + 1,
        "status_code": error.status_code,
        "mime_type": None,
        "size": None,
        "width": None,
        "height": None,
        "exif": None,
        "checksum": None,
        "etag": None,
        "last_modified": None,
    }


def _save(connection: Connection, lease: Lease, rows: list[Row], root: str, spent: int, public_url: str) -> int:
    """One transaction. How many bytes the account has downloaded today."""
    save_media(connection, lease, rows)
    failed = [row["code"] for row in rows if row["marking"] == MediaMarking.FAILED]
    release_media(connection, lease, failed)
    settle(connection, failed, public_url=public_url)
    return note_bytes(connection, root, spent)
