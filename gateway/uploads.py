"""`POST /upload`: an image as bytes. They go to disk while they come in, and what is refused leaves nothing there."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request, Response
from sqlalchemy import Connection

from gateway.dispatch import start_run
from gateway.keys import BearerToken, owner
from gateway.problems import problem
from gateway.receiving import FileForm, Received, check_length, form_schema, receive
from gateway.state import GatewayState, State
from sais.accounts import account_of_key
from sais.errors import MediaError
from sais.fetching import Guard
from sais.fetching.whole_file import WholeFile
from sais.imaging import inspect
from sais.reading import batch_rows
from sais.storage import open_storage
from sais.submission import Submission
from sais.upload import Upload, UploadOrder, check_room, is_kept, keep_original, submit_upload
from sais_models import Account
from sais_models.wire import MediaRow

router = APIRouter(tags=["images"])

# What may surround the file in the body: fields, boundaries, headers.
FORM_BYTES = 1_000_000


@router.post(
    "/upload",
    response_model=MediaRow,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": form_schema("root")}}},
)
async def upload(
    request: Request, token: BearerToken, state: State, response: Response, background: BackgroundTasks
) -> MediaRow | Response:
    """An image without an address, as `file` beside `root` and `filters` → its row. The same file is the same row."""
    check_length(request, state.settings.max_bytes + FORM_BYTES)
    if token is not None:
        await state.database.read(account_of_key, token)
    try:
        submission = await _take(request, token, state)
    except MediaError as error:
        return _refused(error)
    if submission.pending:
        background.add_task(start_run, state, submission.batch)
    response.headers["X-Sais-Batch"] = str(submission.batch.id)
    rows = await state.database.read(batch_rows, submission.batch, public_url=state.public_url)
    return rows[0]


async def _take(request: Request, token: str | None, state: GatewayState) -> Submission:
    with ExitStack() as stack:
        incoming = stack.enter_context(_incoming(state.settings.originals_dir))

        async def destination(_: Received) -> WholeFile:
            return WholeFile(incoming, state.settings.max_bytes)

        received = await receive(request, stack, destination)
        assert received.file is not None  # noqa: S101  receive() has seen to it
        form = received.form()
        order = UploadOrder(form.filters, form.context, form.media_callback_url, form.thumb_callback_url)
        account = await state.database.read(_check, form, token, order, state.guard)
        received.file.keep()
        facts = await asyncio.to_thread(inspect, incoming, max_pixels=state.settings.max_pixels)
        upload = Upload(account, received.file.checksum, facts)
        if not await state.database.read(is_kept, upload):
            await state.database.read(check_room, upload)
            await _keep(state, upload, incoming)
        return await state.database.write(submit_upload, upload, order, guard=state.guard)


def _check(connection: Connection, form: FileForm, token: str | None, order: UploadOrder, guard: Guard) -> Account:
    if form.root is None:
        raise HTTPException(422, "root: the account's root is missing")
    account = owner(connection, form.root, token or form.api_key)
    order.check(connection, guard)
    return account


async def _keep(state: GatewayState, upload: Upload, incoming: Path) -> None:
    configuration = state.configuration
    async with open_storage(configuration.archive_url, configuration.archive_options) as archive:
        await keep_original(upload, incoming, state.settings.originals_dir, archive)


@contextmanager
def _incoming(originals: Path) -> Iterator[Path]:
    """A place on the same disk as the originals, so that the file can be renamed to where it stays."""
    place = originals / ".incoming" / secrets.token_hex(16)
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)


def _refused(error: MediaError) -> Response:
    status = 413 if error.reason == "too_big" else 422
    words = str(error) if str(error) != error.reason else "no image, audio or video of a format that SAIS keeps"
    return problem(status, f"file: {words}", title=error.reason, errors=[{"field": "file", "detail": error.reason}])
