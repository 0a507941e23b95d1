"""Pages for people: the overview, one batch with its contact sheet, one image."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from gateway.contact_sheet import Tile, blur_address, tiles_of
from gateway.health import status_of
from gateway.reading import BatchId
from gateway.rendering import page
from gateway.state import State
from sais.addressing import thumb_url
from sais.catalog.batches import find_batch
from sais.catalog.media import find_media, find_thumbs
from sais.fetching import redact_url
from sais.media_info import CODE
from sais.overview import BatchLine, FailureGroup, account_lines, failure_groups, recent_batches
from sais.reading import batch_rows, batch_status
from sais.reasons import explain
from sais_models import Batch, Media, MediaMarking, Thumb, ThumbMarking
from sais_models.wire import LARGEST_ID, BatchStatus

router = APIRouter(include_in_schema=False)

BATCHES_SHOWN = 20
PICTURES_SHOWN = 200
RECENT_SHOWN = 24


@dataclass(frozen=True)
class Recent:
    batches: list[BatchLine]
    tiles: list[Tile]


@router.get("/")
async def overview(state: State) -> HTMLResponse:
    recent = await state.database.read(_view_recent)
    return page(
        "overview.html",
        health=status_of(await state.watch.health()),
        accounts=await state.database.read(account_lines),
        batches=recent.batches,
        recent=recent.tiles,
        runs={line.batch.id: state.runs.url_of(line.batch.flow_run_id) for line in recent.batches},
        markings=list(MediaMarking),
        prefect=state.runs.ui_url,
    )


def _view_recent(connection: Connection) -> Recent:
    lines = recent_batches(connection, BATCHES_SHOWN)
    tiles: dict[str, Tile] = {}
    for line in lines:
        if len(tiles) < RECENT_SHOWN:
            tiles |= {tile.code: tile for tile in _latest(connection, line) if tile.code and tile.thumb}
    return Recent(lines, list(tiles.values())[:RECENT_SHOWN])


def _latest(connection: Connection, line: BatchLine) -> list[Tile]:
    """Batches are worked on from their first image to the last: what is done last lies about there."""
    start = max(0, line.status.done + line.status.failed + line.status.rejected - RECENT_SHOWN)
    rows = batch_rows(connection, line.batch, public_url="", start=start, limit=RECENT_SHOWN)
    return tiles_of(rows, line.batch.presets)[::-1]


@dataclass(frozen=True)
class BatchView:
    batch: Batch
    status: BatchStatus
    failures: list[FailureGroup]
    tiles: list[Tile]

    @property
    def pages(self) -> int:
        return max(1, -(-self.status.submitted // PICTURES_SHOWN))


@router.get("/ui/batches/{batch_id}")
async def batch_page(
    batch_id: BatchId, state: State, number: Annotated[int, Query(alias="page", ge=1, le=LARGEST_ID)] = 1
) -> HTMLResponse:
    view = await state.database.read(_view_batch, batch_id, number)
    if view is None:
        return _missing(f"There is no batch {batch_id}.")
    run = state.runs.url_of(view.batch.flow_run_id)
    answer = page("batch.html", view=view, number=number, run=run, explain=explain)
    # For its form: with `no-referrer` browsers send `Origin: null`, as they do for a foreign one.
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def _view_batch(connection: Connection, batch_id: int, number: int) -> BatchView | None:
    batch = find_batch(connection, batch_id)
    if batch is None:
        return None
    # SQLite takes no number over 63 bits, PostgreSQL none over 31.
    start = min((number - 1) * PICTURES_SHOWN, LARGEST_ID)
    rows = batch_rows(connection, batch, public_url="", start=start, limit=PICTURES_SHOWN)
    status = batch_status(connection, batch_id)
    return BatchView(batch, status, failure_groups(connection, status), tiles_of(rows, batch.presets, start))


@dataclass(frozen=True)
class ThumbView:
    """`url` is None while there is no file; `blur` is shown until it has loaded."""

    preset: str
    marking: ThumbMarking
    reason: str | None
    url: str | None
    width: int | None
    height: int | None
    size: int | None
    blur: str | None


@dataclass(frozen=True)
class MediaView:
    row: Media
    source: str
    thumbs: list[ThumbView]


@router.get("/media/{code}")
async def media_page(code: str, state: State) -> HTMLResponse:
    view = await state.database.read(_view_media, code)
    if view is None:
        return _missing("There is no image with this code.")
    return page("media.html", view=view, explain=explain)


def _view_media(connection: Connection, code: str) -> MediaView | None:
    row = find_media(connection, [code]).get(code) if CODE.fullmatch(code) else None
    if row is None:
        return None
    thumbs = find_thumbs(connection, [code]).get(code, [])
    views = sorted((_view_thumb(row, thumb) for thumb in thumbs), key=lambda view: view.width or 0)
    return MediaView(row, redact_url(row.url), views)


def _view_thumb(row: Media, thumb: Thumb) -> ThumbView:
    there = thumb.marking == ThumbMarking.DONE and row.path is not None
    return ThumbView(
        preset=thumb.preset,
        marking=thumb.marking,
        reason=thumb.reason,
        url=thumb_url("", thumb.preset, row.path or "") if there else None,
        width=thumb.width,
        height=thumb.height,
        size=thumb.size,
        blur=blur_address(row.blurhash, thumb.width or 1, thumb.height or 1) if there and row.blurhash else None,
    )


def _missing(words: str) -> HTMLResponse:
    return page("missing.html", 404, words=words)
