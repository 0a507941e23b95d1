"""`POST /manifests`: a long list of addresses as a file of any size; a run reads it."""

import asyncio
import secrets
import shutil
from contextlib import ExitStack
from pathlib import Path, PurePath

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request, Response
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect

from gateway.dispatch import start_run
from gateway.keys import BearerToken, owner
from gateway.multipart import is_multipart
from gateway.receiving import FILE, Destination, FileForm, Received, form_schema, receive
from gateway.state import GatewayState, State
from sais.accounts import account_of_key
from sais.dispatch import open_batch
from sais.errors import InputError
from sais.fetching.whole_file import WholeFile
from sais.manifests import read_manifest
from sais.manifests.formats import SUFFIXES
from sais.storage import open_storage
from sais.upload import UploadOrder
from sais_models import Account, Batch
from sais_models.wire import Wire

router = APIRouter(tags=["images"])

ANY_SIZE = 2**63
# No account's root starts so: beside originals in a shared archive it is nobody's.
ARCHIVED_IN = "_manifests"


class Queued(Wire):
    """The batch to ask for."""

    batch: int


@router.post(
    "/manifests",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": form_schema(),
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def take_manifest(
    request: Request, token: BearerToken, state: State, response: Response, background: BackgroundTasks
) -> Queued:
    """CSV, TSV, JSON Lines, Parquet or one address a line, each also gzipped: the `file` of a form, or the whole body
    with a form's other fields in the query. Without a Bearer, `apiKey` comes before the file."""
    batch = await _take(request, token, state)
    background.add_task(start_run, state, batch)
    response.headers["X-Sais-Batch"] = str(batch.id)
    return Queued(batch=batch.id or 0)


async def _take(request: Request, token: str | None, state: GatewayState) -> Batch:
    folder, taken = state.settings.home / "manifests" / secrets.token_hex(16), False
    try:
        received = await _receive(request, token, state, folder)
        form, place = received.form(FileForm), _place(folder, received)
        account = await state.database.read(_account, form, token)
        await state.database.read(_order(form).check, state.guard)
        await asyncio.to_thread(_check_first_piece, place, received.file_name)
        address = await _stored(state, place)
        batch = await state.database.write(_open, account, form, address)
        taken = address == str(place)
        return batch
    finally:
        if not taken:
            shutil.rmtree(folder, ignore_errors=True)


async def _receive(request: Request, token: str | None, state: GatewayState, folder: Path) -> Received:
    """Strangers fill no disk: a manifest may be of any size, so whose it is must be known first."""

    async def destination(received: Received) -> WholeFile:
        await state.database.read(_account, received.form(FileForm), token)
        return WholeFile(_place(folder, received), ANY_SIZE)

    with ExitStack() as stack:
        read = receive if is_multipart(request) else _receive_body
        received = await read(request, stack, destination)
        assert received.file is not None  # noqa: S101  both have seen to it
        received.file.keep()
        return received


async def _receive_body(request: Request, stack: ExitStack, destination: Destination) -> Received:
    received = Received()
    for name, value in request.query_params.multi_items():
        received.add(name, value)
    received.file = stack.enter_context(await destination(received))
    try:
        async for chunk in request.stream():
            received.file.write(chunk)
    except ClientDisconnect:
        raise HTTPException(422, "the body ended early") from None
    return received


def _place(folder: Path, received: Received) -> Path:
    """The content tells the format; a `.tsv` or `.jsonl` in the sent name helps where it does not."""
    suffix = PurePath(received.file_name.lower().removesuffix(".gz")).suffix
    return folder / f"manifest{suffix if suffix in SUFFIXES else ''}"


def _account(connection: Connection, form: FileForm, token: str | None) -> Account:
    key = token or form.api_key
    return account_of_key(connection, key) if form.root is None else owner(connection, form.root, key)


def _order(form: FileForm) -> UploadOrder:
    return UploadOrder(form.filters, form.context, form.media_callback_url, form.thumb_callback_url)


def _check_first_piece(place: Path, sent_as: str) -> None:
    """Raises ManifestError or EmptyBatch, with the name that the client knows in place of ours."""
    try:
        next(read_manifest(place))
    except InputError as error:
        words = str(error).replace(str(place), PurePath(sent_as).name).replace("  ", " ")
        raise type(error)(words, field=FILE) from None


async def _stored(state: GatewayState, place: Path) -> str:
    """The address from which a worker reads it: beside the originals when these are in S3, for it may be elsewhere."""
    configuration = state.configuration
    if not configuration.archive_url.startswith("s3:"):
        return str(place)
    path = f"{ARCHIVED_IN}/{place.parent.name}/{place.name}"
    async with open_storage(configuration.archive_url, configuration.archive_options) as archive:
        await archive.write_file(path, place, "application/octet-stream")
    return f"{configuration.archive_url.rstrip('/')}/{path}"


def _open(connection: Connection, account: Account, form: FileForm, address: str) -> Batch:
    return open_batch(
        connection,
        account,
        presets=form.filters,
        context=form.context,
        media_callback_url=form.media_callback_url,
        thumb_callback_url=form.thumb_callback_url,
        manifest=address,
    )
