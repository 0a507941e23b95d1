"""The download step: every new media of a chunk is fetched whole into the local folder, or gets its reason."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from sais.addressing import path_of
from sais.catalog.accounts import get_account
from sais.catalog.bulk import Row
from sais.catalog.lost import lose_thumbs
from sais.catalog.media import Lease, release_media, save_media, still_held
from sais.errors import DayIsSpent, MediaError
from sais.fetching import Fetched
from sais.imaging import inspect
from sais.pipeline.claiming import Claim, claiming
from sais.pipeline.day_budget import DayBudget, note_bytes
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import ChunkReport, Failure
from sais.pipeline.resources import Resources
from sais.pipeline.source_facts import source_facts
from sais.retry_times import retry_time
from sais.settling import settle
from sais.upload import is_upload, recall
from sais_models import Chunk, Layout, Media, MediaMarking

# A kill loses the state of at most this many files; each commit costs about as much as five rows.
SAVED_TOGETHER = 50
KEPT = ("path", "mime_type", "size", "width", "height", "exif", "checksum", "etag", "last_modified")
NAMES = ("code", "root", "url", "attempts", "retries", *KEPT)


async def download_chunk(resources: Resources, chunk: Chunk, *, last_try: bool) -> ChunkReport:
    """Fetches what the chunk has that is new; `left` in the report is worth another try.

    An account's bytes of the day may run out: what is left then fails at once, to be tried tomorrow.
    On the last try what is left becomes `failed`, retryable: the sweep takes it up again later.
    """
    report = ChunkReport("download", chunk)
    budget = await resources.read(DayBudget.of, chunk.root, resources.settings.fetch_concurrency)
    async with claiming(resources, report, [MediaMarking.NEW], NAMES) as claim:
        work = _download_all(resources, claim, budget, last_try=last_try)
        report.cancelled = not await resources.hold.until_cancelled(chunk.batch, work)
    if unsaved := budget.take_unsaved():
        # Of a cancelled batch: what came was paid for, though it is not kept.
        await resources.write(note_bytes, chunk.root, unsaved)
    return report


async def _download_all(resources: Resources, claim: Claim, budget: DayBudget, *, last_try: bool) -> None:
    if claim.media:
        resources.workers.start()
    root, public_url = claim.report.chunk.root, resources.settings.public_url
    layout = (await resources.read(get_account, root)).layout
    former = {media.code: media.checksum for media in claim.media if media.checksum is not None}
    fetching = (_fetch(resources, media, budget) for media in claim.media)

    async def save(piece: Sequence[Arrived]) -> None:
        with resources.ledger.timing("header", len(piece)):
            taken = await asyncio.to_thread(_take_in, resources, claim, piece, layout, last_try)
        spent = budget.take_unsaved()
        lost, today = await resources.write(_save, claim.lease, taken.rows, former, root, spent, public_url)
        budget.see(today)
        claim.report.lost += lost + taken.lost
        if taken.trouble is not None:
            raise taken.trouble

    await in_pieces(fetching, SAVED_TOGETHER, save)


class Arrived(NamedTuple):
    """A media and its bytes in the file `incoming`, or why there are none."""

    media: Media
    incoming: Path
    fetched: Fetched | MediaError


class TakenIn(NamedTuple):
    """The columns of Media that change; how many images may be somebody else's by now, because the run was away; and
    what kept the rest of the piece from being looked at."""

    rows: list[Row]
    lost: int
    trouble: Exception | None


async def _fetch(resources: Resources, media: Media, budget: DayBudget) -> Arrived:
    incoming = resources.incoming(media.root, media.code)
    try:
        return Arrived(media, incoming, await _bytes_of(resources, media, incoming, budget))
    except MediaError as error:
        return Arrived(media, incoming, error)


async def _bytes_of(resources: Resources, media: Media, incoming: Path, budget: DayBudget) -> Fetched:
    if is_upload(media.url):
        with resources.ledger.timing("archive"):
            return await recall(media, incoming, resources.archive)
    with resources.downloading() as waits:
        async with budget.turn():
            fetched = await resources.fetcher.fetch(media.url, incoming, waits=waits)
            budget.spend(fetched.size)
            return fetched


def _take_in(resources: Resources, claim: Claim, piece: Sequence[Arrived], layout: Layout, last_try: bool) -> TakenIn:
    """In a thread, a piece at once: a change of threads for each image costs as much as looking at its header."""
    rows: list[Row] = []
    lost, report = 0, claim.report
    for arrived in piece:
        media = arrived.media
        try:
            row = _placed(resources, claim.lease, arrived, layout)
        except MediaError as error:
            arrived.incoming.unlink(missing_ok=True)
            final = last_try or not error.retryable or isinstance(error, DayIsSpent)
            report.failures.append(Failure.of(media, error.reason, final=final))
            rows.append(_failed(media, error, final=final))
        except Exception as trouble:  # of the machine; what came before it is saved
            return TakenIn(rows, lost, trouble)
        else:
            if row is None:
                lost += 1
                continue
            report.done += 1
            report.size += row["size"]
            resources.ledger.counts["bytes downloaded"] += row["size"]
            resources.ledger.counts["downloads"] += 1
            rows.append(row)
    return TakenIn(rows, lost, None)


def _placed(resources: Resources, lease: Lease, arrived: Arrived, layout: Layout) -> Row | None:
    """Looks at the header, and gives the file its place and the extension that its bytes tell. None: see TakenIn."""
    media, incoming, fetched = arrived
    if isinstance(fetched, MediaError):
        raise fetched
    facts = inspect(incoming, max_pixels=resources.settings.max_pixels)
    # An address that was given once stays (docs/decisions/0025).
    path = media.path or path_of(media.root, media.code, layout, facts.ext)
    if not resources.hold.is_sure(lease):
        # Another run may have put the file there, and told its size and checksum.
        incoming.unlink(missing_ok=True)
        return None
    place = resources.original(path)
    try:
        incoming.replace(place)
    except FileNotFoundError:
        place.parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(place)
    return {
        "code": media.code,
        "marking": MediaMarking.DOWNLOADED,
        "path": path,
        "reason": None,
        "retryable": False,
        "retry_at": None,
        "attempts": media.attempts + 1,
        **source_facts(fetched, facts),
    }


def _failed(media: Media, error: MediaError, *, final: bool) -> Row:
    """The same columns as a success, so that one statement saves both; not final: still new, with the reason noted.

    An original that was there once and is lost keeps its facts: its thumbs are served under its path still.
    """
    kept = {name: getattr(media, name) if media.checksum else None for name in KEPT}
    return {
        "code": media.code,
        "marking": MediaMarking.FAILED if final else MediaMarking.NEW,
        "reason": error.reason,
        "retryable": error.retryable,
        "retry_at": retry_time(media, error) if final else None,
        "attempts": media.attempts + 1,
        "status_code": error.status_code,
        **kept,
    }


def _save(
    connection: Connection,
    lease: Lease,
    rows: list[Row],
    former: dict[str, str],
    root: str,
    spent: int,
    public_url: str,
) -> tuple[int, int]:
    """How many of them another run has taken meanwhile, and how many bytes the account has downloaded today."""
    held = still_held(connection, lease, [row["code"] for row in rows])
    kept = [row for row in rows if row["code"] in held]
    save_media(connection, lease, kept)
    lose_thumbs(
        connection, [row["code"] for row in kept if former.get(row["code"], row["checksum"]) != row["checksum"]]
    )
    failed = [row["code"] for row in kept if row["marking"] == MediaMarking.FAILED]
    release_media(connection, lease, failed)
    settle(connection, failed, public_url=public_url)
    return len(rows) - len(kept), note_bytes(connection, root, spent)
