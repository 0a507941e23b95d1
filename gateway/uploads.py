"""`POST /upload`: an image as bytes. They go to disk while they come in, and what is refused leaves nothing there."""

from contextlib import ExitStack

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request, Response
from sqlalchemy import Connection

from gateway.dispatch import start_run, wait_until_settled
from gateway.keys import BearerToken, owner
from gateway.problems import problem
from gateway.receiving import FileForm, Received, UploadForm, check_length, form_schema, receive
from gateway.state import GatewayState, State
from sais.accounts import account_of_key
from sais.errors import MediaError
from sais.fetching import Guard
from sais.fetching.whole_file import WholeFile
from sais.reading import batch_rows
from sais.submission import Submission
from sais.upload import UploadOrder
from sais_models import Account
from sais_models.wire import MediaRow

router = APIRouter(tags=["images"])

# What may surround the file in the body: fields, boundaries, headers.
FORM_BYTES = 1_000_000
FORM = form_schema("root", wait={"type": "boolean"})


@router.post(
    "/upload",
    response_model=MediaRow,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": form_schema("root", wait={"type": "boolean"})},
        }
    },
)
async def upload(
    request: Request, token: BearerToken, state: State, response: Response, background: BackgroundTasks
) -> MediaRow | Response:
    """An image without an address, as `file` beside `root` and `filters` → its row. The same file is the same row.

    With `wait` the answer comes when it has settled, as for a dispatch.
    """
    check_length(request, state.settings.max_bytes + FORM_BYTES)
    if token is not None:
        await state.database.read(account_of_key, token)
    try:
        submission, waits = await _take(request, token, state)
    except MediaError as error:
        return _refused(error)
    if submission.pending and waits:
        await start_run(state, submission.batch)
        await wait_until_settled(state, submission.batch.id or 0)
    elif submission.pending:
        background.add_task(start_run, state, submission.batch)
    response.headers["X-Sais-Batch"] = str(submission.batch.id)
    rows = await state.database.read(batch_rows, submission.batch, public_url=state.public_url)
    return rows[0]


async def _take(request: Request, token: str | None, state: GatewayState) -> tuple[Submission, bool]:
    """And whether the client waits until it is done."""
    with ExitStack() as stack:
        place = stack.enter_context(state.intake.place())

        async def destination(_: Received) -> WholeFile:
            return WholeFile(place, state.settings.max_bytes)

        received = await receive(request, stack, destination)
        assert received.file is not None  # noqa: S101  receive() has seen to it
        form = received.form(UploadForm)
        order = UploadOrder(form.filters, form.context, form.media_callback_url, form.thumb_callback_url)
        account = await state.database.read(_check, form, token, order, state.guard)
        return await state.intake.take(account, place, received.file, order), form.wait


def _check(connection: Connection, form: FileForm, token: str | None, order: UploadOrder, guard: Guard) -> Account:
    if form.root is None:
        raise HTTPException(422, "root: the account's root is missing")
    account = owner(connection, form.root, token or form.api_key)
    order.check(connection, guard)
    return account


def _refused(error: MediaError) -> Response:
    status = 413 if error.reason == "too_big" else 422
    words = str(error) if str(error) != error.reason else "no image, audio or video of a format that SAIS keeps"
    return problem(status, f"file: {words}", title=error.reason, errors=[{"field": "file", "detail": error.reason}])
