"""How a thumb's bytes go out: from the local folder or from S3, whole or in part."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from fastapi import Response
from fastapi.responses import RedirectResponse, StreamingResponse

from gateway.conditional import Selection, select_bytes
from sais.errors import FileMissing, StorageError
from sais.imaging.formats import SNIFF_BYTES, sniff
from sais.serving import ServedThumb
from sais.storage import Storage

# Thumbs are far smaller: one hop into a thread for all of it. A giant must not sit in memory for each who asks.
WHOLE_BYTES = 1_000_000
PIECE_BYTES = 256 * 1024
# Browsers keep the redirect for half the time that its address holds.
PRESIGNED_SECONDS = 3600


def send_from_folder(
    place: Path, served: ServedThumb, headers: Mapping[str, str], wanted: Mapping[str, str]
) -> Response:
    """For a thread. `wanted` are the request's headers. Raises FileMissing, StorageError."""
    try:
        selection, mime_type, data = _opened(place, served, headers, wanted)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise FileMissing(f"there is no {place}") from error
    except OSError as error:
        raise StorageError(f"cannot read {place}: {error.strerror or error}") from error
    if data is not None:
        return Response(data, selection.status, selection.headers, mime_type)
    length = {"Content-Length": str(selection.stop - selection.start)}
    return StreamingResponse(_pieces(place, selection), selection.status, selection.headers | length, mime_type)


async def send_from_bucket(
    cache: Storage,
    path: str,
    served: ServedThumb,
    headers: Mapping[str, str],
    wanted: Mapping[str, str],
    *,
    redirect: bool,
) -> Response:
    """Through the gateway, or by a presigned address. Raises FileMissing, StorageError."""
    # Signing asks nobody: without this a client would find out, and nobody would make the thumb again.
    if redirect and await cache.size(path) is None:
        raise FileMissing(f"there is no {path}")
    if redirect and (address := await cache.presign(path, PRESIGNED_SECONDS)):
        return RedirectResponse(address, 302, {"Cache-Control": f"private, max-age={PRESIGNED_SECONDS // 2}"})
    data = await cache.read(path)
    selection, mime_type = _select(served, len(data), data[:SNIFF_BYTES], headers, wanted)
    return Response(data[selection.start : selection.stop], selection.status, selection.headers, mime_type)


def _select(
    served: ServedThumb, size: int, start: bytes, headers: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[Selection, str]:
    """A thumb that is being made again has its new file a moment before its new row: then the bytes tell their type
    themselves, and nobody keeps them under the version of the former ones."""
    if served.size in (None, size):
        return select_bytes(size, headers, wanted), served.mime_type
    kind = sniff(start)
    return Selection(200, 0, size, {"Cache-Control": "no-store"}), kind.mime if kind else served.mime_type


def _opened(
    place: Path, served: ServedThumb, headers: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[Selection, str, bytes | None]:
    """The bytes at once when they are few."""
    with place.open("rb", buffering=0) as file:
        size = file.seek(0, 2)
        file.seek(0)
        start = b"" if served.size == size else file.read(SNIFF_BYTES)
        selection, mime_type = _select(served, size, start, headers, wanted)
        length = selection.stop - selection.start
        if length > WHOLE_BYTES:
            return selection, mime_type, None
        file.seek(selection.start)
        return selection, mime_type, file.read(length)


async def _pieces(place: Path, selection: Selection) -> AsyncIterator[bytes]:
    """From one open file, so that a thumb which is made anew meanwhile does not mix with this one."""
    file = await asyncio.to_thread(place.open, "rb")
    try:
        left = selection.stop - selection.start
        await asyncio.to_thread(file.seek, selection.start)
        while left and (piece := await asyncio.to_thread(file.read, min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece
    finally:
        file.close()
