"""`DELETE /media/{code}`: one image goes, with its files. A whole account never goes over HTTP."""

from fastapi import APIRouter, HTTPException, Response
from sqlalchemy import Connection

from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken
from gateway.state import State
from sais.accounts import account_of_key
from sais.catalog.media import find_media
from sais.errors import Forbidden
from sais.media_info import CODE
from sais.purging import Purge, open_files
from sais_models import Media

router = APIRouter(tags=["images"], route_class=JsonRoute)

# A run holds an image for as long as its chunk takes.
RETRY_SECONDS = 60


@router.delete("/media/{code}", status_code=204, response_class=Response)
async def delete_media(code: str, token: BearerToken, state: State) -> Response:
    """Original, thumbs and rows are gone with the answer; the media callback is told `"marking": "deleted"`. 409 while
    a run works on the image."""
    media = await state.database.read(_own_media, code, token)
    async with open_files(state.configuration) as files:
        purge = Purge(state.database, files, media.root, state.settings.lease_seconds)
        purged = await purge.piece([media.code])
    if purged.busy:
        words = "a run is working on this image: ask again when it has settled"
        raise HTTPException(409, words, {"Retry-After": str(RETRY_SECONDS)})
    return Response(status_code=204)


def _own_media(connection: Connection, code: str, key: str | None) -> Media:
    account = account_of_key(connection, key)
    media = find_media(connection, [code]).get(code) if CODE.fullmatch(code) else None
    if media is None:
        raise HTTPException(404, "there is no image with this code")
    if media.root != account.root:
        raise Forbidden("this image belongs to another account")
    return media
