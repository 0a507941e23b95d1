"""`GET /media/cache/{preset}/{path}`: the thumbs themselves, public."""

import logging
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath

from gateway.conditional import bytes_answer, is_unchanged, validators
from gateway.problems import busy
from gateway.state import GatewayState, State
from sais.addressing import thumb_path
from sais.errors import FileMissing, StorageError
from sais.serving import MissingThumb, ServedThumb, find_served
from sais.storage import checked_path

router = APIRouter(tags=["images"])
log = logging.getLogger(__name__)

# An address has no version in it: after a changed preset a browser may show the former picture for a day.
CACHE_CONTROL = "public, max-age=86400, immutable"


@router.get("/media/cache/{preset}/{path:path}", response_class=Response)
@router.head("/media/cache/{preset}/{path:path}", include_in_schema=False)
async def read_thumb(
    preset: str, path: Annotated[str, InPath(description="The path of the original")], request: Request, state: State
) -> Response:
    """The thumb's bytes; 503 with Retry-After while it is being made, 404 when there will be none."""
    _check_address(request, preset, path)
    served = await state.database.read(find_served, preset, path)
    match served:
        case ServedThumb():
            return await _serve(state, served, thumb_path(preset, path), request)
        case MissingThumb(failed=None):
            return busy("this thumb is not made yet")
        case MissingThumb(failed=reason):
            raise HTTPException(404, f"this image has no such thumb: {reason}")
        case None:
            raise HTTPException(404)


def _check_address(request: Request, preset: str, path: str) -> None:
    """`%2F` is a slash in `path` already: another address than the one with a slash, and none of ours."""
    raw: bytes = request.scope.get("raw_path") or b""
    try:
        checked_path(thumb_path(preset, path))
    except StorageError:
        raise HTTPException(404) from None
    if b"%2f" in raw.lower():
        raise HTTPException(404)


async def _serve(state: GatewayState, served: ServedThumb, path: str, request: Request) -> Response:
    headers = validators(served.version, served.modified) | {"Cache-Control": CACHE_CONTROL}
    if is_unchanged(request.headers, headers):
        return Response(None, 304, headers)
    try:
        data = await state.cache.read(path)
    except FileMissing:
        log.warning("%s is done by its row, but its file is not there", path)
        return busy("the file of this thumb is not there now")
    return bytes_answer(data, served.mime_type, headers, request.headers)
