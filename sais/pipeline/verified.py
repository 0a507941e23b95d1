"""Whether the archive has an original whole: by its size, and by its checksum or the ETag where the storage has one."""

import asyncio
from hashlib import md5
from pathlib import Path

import xxhash

from sais.errors import FileMissing
from sais.storage import Storage
from sais_models import Media

READ_BYTES = 2**20


async def is_archived(archive: Storage, media: Media, local: Path) -> bool:
    """`local` is the copy on this machine. Where S3's ETag is the MD5 of its bytes, nothing is read from there.

    An ETag that is another thing (an upload in parts, encryption) proves nothing: then the archive's bytes are read.
    """
    path = media.path or ""
    entry = await archive.entry(path)
    hashes = await asyncio.to_thread(_hashes, local)
    if entry is None or hashes is None:
        return False
    size, checksum, digest = hashes
    expected = media.checksum or checksum
    if entry.size != (size if media.size is None else media.size):
        return False
    if entry.md5 == digest and checksum == expected:
        return True
    try:
        return await archive.checksum(path) == expected
    except FileMissing:
        return False


async def checksum_of_local(local: Path) -> str | None:
    """xxh3_128 in hex; None when there is no such file."""
    hashes = await asyncio.to_thread(_hashes, local)
    return None if hashes is None else hashes[1]


def _hashes(local: Path) -> tuple[int, str, str] | None:
    """Size, xxh3_128 and MD5, from one reading."""
    size, ours, theirs = 0, xxhash.xxh3_128(), md5(usedforsecurity=False)
    try:
        with local.open("rb") as file:
            while data := file.read(READ_BYTES):
                size += len(data)
                ours.update(data)
                theirs.update(data)
    except FileNotFoundError:
        return None
    return size, ours.hexdigest(), theirs.hexdigest()
