"""`GET /media/cache/{preset}/{path}`: the thumbs themselves, public."""

import logging
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request, Response
from fastapi import Path as InPath
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from gateway.conditional import is_unchanged, validators
from gateway.delivery import send_from_bucket, send_from_folder
from gateway.dispatch import start_run
from gateway.openapi import THUMB_ANSWERS
from gateway.placeholders import placeholder, takes_pictures
from gateway.problems import busy
from gateway.state import GatewayState, State
from sais.addressing import thumb_path, thumb_url
from sais.errors import FileMissing, StorageError
from sais.on_demand import order_missing, waits
from sais.serving import MissingThumb, NoThumb, ServedThumb, find_lost, find_served
from sais.storage import Storage, checked_path

router = APIRouter(tags=["images"])
log = logging.getLogger(__name__)

# An address has no version in it, and its thumb changes with its preset. After an hour a browser asks whether it has
# (304 by ETag), and shows meanwhile what it has.
CACHE_CONTROL = "public, max-age=3600, stale-while-revalidate=86400"
NOT_KEPT = {"Cache-Control": "no-store"}

Found = ServedThumb | MissingThumb | NoThumb | None
PLACE_OF_THUMB = [
    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("preset", "path")
]
OriginalPath = Annotated[str, InPath(description="The path of the original")]


@router.get("/media/cache/resolve/{preset}/{path:path}", response_class=Response, status_code=302)
@router.head("/media/cache/resolve/{preset}/{path:path}", include_in_schema=False)
async def resolve_thumb(
    preset: str, path: OriginalPath, request: Request, state: State, background: BackgroundTasks
) -> Response:
    """302 to where the thumb is; while there is none the same answers as there."""
    _check_address(request, preset, path)
    served = _known(await state.database.read(find_served, preset, path))
    if isinstance(served, ServedThumb) and await state.cache.size(thumb_path(preset, path)) is None:
        served = await _lost(state, preset, path)
    if isinstance(served, MissingThumb):
        return await _busy(served, request, state, background)
    return RedirectResponse(thumb_url(state.public_url, preset, path), 302, NOT_KEPT)


@router.get(
    "/media/cache/{preset}/{path:path}",
    response_class=Response,
    responses=THUMB_ANSWERS,
    openapi_extra={"parameters": PLACE_OF_THUMB},
)
@router.head("/media/cache/{preset}/{path:path}", include_in_schema=False)
async def read_thumb(request: Request) -> Response:
    """The thumb's bytes; 503 with Retry-After while it is being made, 404 when there will be none."""
    # Only the request: to find parameters one by one takes FastAPI a quarter of the CPU that a thumb takes.
    state: GatewayState = request.app.state.gateway
    preset, path = request.path_params["preset"], request.path_params["path"]
    _check_address(request, preset, path)
    try:
        found = await state.database.read(_look_up, preset, path, state.cache, request.headers)
        if isinstance(found, Response):
            return found
        served = _known(found)
        if isinstance(served, ServedThumb):
            return await _from_bucket(state, served, thumb_path(preset, path), request)
    except FileMissing as error:
        log.warning("a thumb is done by its row, but its file is not there: %s", error)
        served = await _lost(state, preset, path)
    background = BackgroundTasks()
    answer = await _busy(served, request, state, background)
    answer.background = background
    return answer


async def _lost(state: GatewayState, preset: str, path: str) -> MissingThumb:
    """Somebody cleaned the cache: the thumb is to be made again, from the original."""
    missing = _known(await state.database.read(find_lost, preset, path))
    assert isinstance(missing, MissingThumb)  # noqa: S101  find_lost() gives nothing that is served
    return missing


def _look_up(
    connection: Connection, preset: str, path: str, cache: Storage, wanted: Mapping[str, str]
) -> Response | Found:
    """Row and file in one hop into a thread: a second one costs as much as the query."""
    served = find_served(connection, preset, path)
    if not isinstance(served, ServedThumb):
        return served
    headers = _headers(served)
    if is_unchanged(wanted, headers):
        return Response(None, 304, headers)
    place = cache.local_path(thumb_path(preset, path))
    return served if place is None else send_from_folder(place, served, headers, wanted)


async def _from_bucket(state: GatewayState, served: ServedThumb, path: str, request: Request) -> Response:
    redirect = state.settings.cache_delivery == "redirect"
    return await send_from_bucket(state.cache, path, served, _headers(served), request.headers, redirect=redirect)


def _headers(served: ServedThumb) -> dict[str, str]:
    return validators(served.version, served.modified) | {"Cache-Control": CACHE_CONTROL}


def _known(found: Found) -> ServedThumb | MissingThumb:
    match found:
        case None:
            raise HTTPException(404)
        case NoThumb(reason):
            raise HTTPException(404, f"this image has no such thumb: {reason}")
        case _:
            return found


def _check_address(request: Request, preset: str, path: str) -> None:
    """`%2F` is a slash in `path` already: another address than the one with a slash, and none of ours."""
    raw: bytes = request.scope.get("raw_path") or b""
    try:
        checked_path(thumb_path(preset, path))
    except StorageError:
        raise HTTPException(404) from None
    if b"%2f" in raw.lower():
        raise HTTPException(404)


async def _busy(missing: MissingThumb, request: Request, state: GatewayState, background: BackgroundTasks) -> Response:
    """Strangers may ask for what exists only: a preset of ours, of an image whose original is here, once."""
    if missing.stored and not await state.database.read(waits, missing.code, missing.preset):
        limit = state.settings.queue_limit
        batch = await state.database.write(order_missing, missing, guard=state.guard, queue_limit=limit)
        if batch is not None:
            background.add_task(start_run, state, batch)
    answer = _not_kept(busy("this thumb is not made yet"))
    if not state.settings.busy_placeholder:
        return answer
    answer.headers["Vary"] = "Accept"
    if not takes_pictures(request.headers.get("accept", "")):
        return answer
    kept = {name: answer.headers[name] for name in ("Retry-After", "Vary", "Cache-Control")}
    return await placeholder(missing, kept) or answer


def _not_kept(answer: Response) -> Response:
    answer.headers.update(NOT_KEPT)
    return answer
