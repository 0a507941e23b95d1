"""Questions about batches, media and presets; all but the presets need the account's key."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import Field
from sqlalchemy import Connection

from gateway.json_bodies import JsonRoute
from gateway.keys import BearerToken
from gateway.state import State
from sais.accounts import account_of_key
from sais.catalog.batches import find_batch
from sais.catalog.media import find_media
from sais.catalog.presets import current_presets
from sais.errors import Forbidden
from sais.media_info import CODE, MediaInfo, read_media_info
from sais.reading import batch_status
from sais_models import Batch
from sais_models.wire import LARGEST_ID, MOST_IDS, BatchStatus, Wire

router = APIRouter(tags=["asking"], route_class=JsonRoute)

BatchId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class MediaQuery(Wire):
    """`POST /fetch/media/by-ids`; the key comes as Bearer or, as the predecessor's client sends it, in the body."""

    ids: Annotated[list[str], Field(max_length=MOST_IDS)]
    api_key: str | None = None


@router.get("/batches/{batch_id}")
async def read_batch(batch_id: BatchId, token: BearerToken, state: State) -> BatchStatus:
    """The sums at this moment: submitted = accepted + rejected, accepted = pending + done + failed."""
    batch = await state.database.read(_own_batch, batch_id, token)
    url = state.runs.url_of(batch.flow_run_id)
    return await state.database.read(batch_status, batch_id, flow_run_url=url)


def _own_batch(connection: Connection, batch_id: int, key: str | None) -> Batch:
    account = account_of_key(connection, key)
    batch = find_batch(connection, batch_id)
    if batch is None:
        raise HTTPException(404, f"there is no batch {batch_id}")
    if batch.root != account.root:
        raise Forbidden("this batch belongs to another account")
    return batch


@router.get("/fetch/media/by-ids")
async def read_media_by_query(
    token: BearerToken,
    state: State,
    one: Annotated[list[str], Query(alias="id", max_length=MOST_IDS, description="Codes, with commas between")] = [],  # noqa: B006
    many: Annotated[list[str], Query(alias="ids[]", max_length=MOST_IDS)] = [],  # noqa: B006
) -> list[MediaInfo]:
    """In the order asked; what the account does not have is left out."""
    codes = [code.strip() for listed in (*one, *many) for code in listed.split(",")]
    return await state.database.read(_own_media, codes, token, state.public_url)


@router.post("/fetch/media/by-ids")
async def read_media_by_ids(query: MediaQuery, token: BearerToken, state: State) -> list[MediaInfo]:
    """In the order asked; what the account does not have is left out."""
    return await state.database.read(_own_media, query.ids, token or query.api_key, state.public_url)


@router.get("/fetch/media/{code}")
async def read_media(code: str, token: BearerToken, state: State) -> MediaInfo:
    """One image by its code."""
    return await state.database.read(_one_media, code, token, state.public_url)


def _own_media(connection: Connection, codes: list[str], key: str | None, public_url: str) -> list[MediaInfo]:
    account = account_of_key(connection, key)
    return read_media_info(connection, codes, root=account.root, public_url=public_url)


def _one_media(connection: Connection, code: str, key: str | None, public_url: str) -> MediaInfo:
    found = _own_media(connection, [code], key, public_url)
    if found:
        return found[0]
    if CODE.fullmatch(code) and find_media(connection, [code]):
        raise Forbidden("this image belongs to another account")
    raise HTTPException(404, "there is no image with this code")


@router.get("/filters")
async def read_filters(state: State) -> list[dict[str, Any]]:
    """The presets that a dispatch may name, smallest first; a thumb is stale when its recipe is another."""
    presets = await state.database.read(current_presets)
    return [preset.model_dump(mode="json") | {"recipe": preset.recipe} for preset in presets.values()]
