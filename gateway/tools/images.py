"""Tools about images."""

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from gateway.cancelling import Cancellation, cancel
from gateway.dispatch import DispatchRequest, dispatch_process
from gateway.reading import MediaQuery, read_media, read_media_by_ids
from gateway.tools.definition import Caller, Tool
from sais.errors import InputError
from sais_models import Lane
from sais_models.wire import LARGEST_ID, MOST_IDS, Wire


class MediaQuestion(Wire):
    code: str | None = Field(None, description="The code of one image")
    ids: Annotated[list[str], Field(max_length=MOST_IDS, description="Codes of many")] = Field(default_factory=list)
    api_key: str | None = Field(None, description="The account's key, when it is not sent as the Bearer")


class ThumbnailOrder(Wire):
    root: str = Field(description="The account's root")
    url: str = Field(description="The address of the image")
    preset: str = Field("small", description="One of the presets that `GET /filters` lists")
    wait: bool = Field(True, description="Answer when the thumb is there or has failed")
    api_key: str | None = Field(None, description="The account's key, when it is not sent as the Bearer")


class BatchCancellation(Cancellation):
    batch: Annotated[int, Field(ge=1, le=LARGEST_ID, description="As dispatch_process told it")]


async def dispatch(caller: Caller, order: DispatchRequest) -> dict[str, Any]:
    response = Response()
    rows = await dispatch_process(order, caller.token, caller.state, response)
    return {"batch": int(response.headers["X-Sais-Batch"]), "rows": [row.body() for row in rows]}


async def get_media(caller: Caller, question: MediaQuestion) -> dict[str, Any]:
    key = question.api_key or caller.token
    if question.code is not None:
        return (await read_media(question.code, key, caller.state)).body()
    if not question.ids:
        raise InputError("give `code` for one image, or `ids` for many", field="code")
    found = await read_media_by_ids(MediaQuery(ids=question.ids), key, caller.state)
    return {"media": [media.body() for media in found]}


async def generate_thumbnail(caller: Caller, order: ThumbnailOrder) -> dict[str, Any]:
    request = DispatchRequest(
        root=order.root,
        images=[order.url],
        filters=[order.preset],
        wait=order.wait,
        lane=Lane.QUICK,
        api_key=order.api_key,
    )
    done = await dispatch(caller, request)
    return {"batch": done["batch"], **done["rows"][0]}


async def cancel_batch(caller: Caller, order: BatchCancellation) -> dict[str, Any]:
    return (await cancel(order.batch, caller.token, caller.state, order)).body()


DISPATCH_PROCESS = Tool(
    "dispatch_process",
    "Puts images into the queue: each is fetched, archived and made into thumbs. A row for each image comes at once; "
    "with `wait`, when all are done. `batch` is the batch to ask for.",
    DispatchRequest,
    dispatch,
)
GET_MEDIA = Tool(
    "get_media",
    "What is known of one image (`code`) or of many (`ids`): thumbs, measures, marking. Of many, those that the "
    "account does not have are left out.",
    MediaQuestion,
    get_media,
)
GENERATE_THUMBNAIL = Tool(
    "generate_thumbnail",
    "Makes one thumb of one image, in the quick lane, and tells its address in `resized`.",
    ThumbnailOrder,
    generate_thumbnail,
)
CANCEL_BATCH = Tool(
    "cancel_batch",
    "Cancels what is pending in a batch; what is done stays. The answer has the sums of the batch after that.",
    BatchCancellation,
    cancel_batch,
)
