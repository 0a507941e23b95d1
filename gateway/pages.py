"""Pages for people: the overview, one batch with its contact sheet, one image."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from gateway.contact_sheet import Tile, tiles_of
from gateway.reading import LARGEST_ID, BatchId
from gateway.rendering import page
from gateway.state import State
from sais.catalog.batches import find_batch
from sais.catalog.media import find_media, find_thumbs
from sais.fetching import redact_url
from sais.media_info import CODE, thumb_addresses
from sais.overview import FailureGroup, account_lines, failure_groups, recent_batches
from sais.reading import batch_rows, batch_status
from sais_models import Batch, Media, MediaMarking
from sais_models.wire import BatchStatus

router = APIRouter(include_in_schema=False)

BATCHES_SHOWN = 20
PICTURES_SHOWN = 200


@router.get("/")
async def overview(state: State) -> HTMLResponse:
    health = await state.health.status()
    return page(
        "overview.html",
        health=health,
        accounts=await state.database.read(account_lines),
        batches=await state.database.read(recent_batches, BATCHES_SHOWN),
        markings=list(MediaMarking),
        prefect=state.runs.ui_url,
    )


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
    return page("batch.html", view=view, number=number, run=state.runs.url_of(view.batch.flow_run_id))


def _view_batch(connection: Connection, batch_id: int, number: int) -> BatchView | None:
    batch = find_batch(connection, batch_id)
    if batch is None:
        return None
    start = (number - 1) * PICTURES_SHOWN
    # SQLite takes no number over 63 bits, PostgreSQL none over 31.
    rows = batch_rows(connection, batch, public_url="", start=min(start, LARGEST_ID), limit=PICTURES_SHOWN)
    status = batch_status(connection, batch_id)
    return BatchView(batch, status, failure_groups(connection, status), tiles_of(rows, batch.presets))


@dataclass(frozen=True)
class MediaView:
    row: Media
    source: str
    thumbs: dict[str, str]


@router.get("/media/{code}")
async def media_page(code: str, state: State) -> HTMLResponse:
    view = await state.database.read(_view_media, code)
    return page("media.html", view=view) if view else _missing("There is no image with this code.")


def _view_media(connection: Connection, code: str) -> MediaView | None:
    row = find_media(connection, [code]).get(code) if CODE.fullmatch(code) else None
    if row is None:
        return None
    thumbs = find_thumbs(connection, [code]).get(code, [])
    return MediaView(row, redact_url(row.url), thumb_addresses(row, thumbs, ""))


def _missing(words: str) -> HTMLResponse:
    return page("missing.html", 404, words=words)
