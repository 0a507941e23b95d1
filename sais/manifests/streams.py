"""Streams that sit between a manifest's bytes and its parser."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from sais.errors import ManifestError

# A few kilobytes of gzip can unpack to a line of gigabytes, which a parser must hold whole.
LONGEST_LINE = 10_000_000


class LineGuard(io.RawIOBase):
    """Passes bytes on, and raises ManifestError in the middle of a line that does not end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._length = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        since = len(data) - data.rfind(b"\n") - 1
        self._length = since if since < len(data) else self._length + len(data)
        if self._length > LONGEST_LINE:
            raise ManifestError(f"the manifest has a line of more than {LONGEST_LINE:,} bytes", field="manifest")
        return len(data)


class ToldReads(io.RawIOBase):
    """Translates what fails on the way from S3, and nothing that fails in a parser."""

    def __init__(self, stored: Any, told: Callable[[], AbstractContextManager[None]]) -> None:
        self._stored, self._told = stored, told

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place: int = self._stored.seek(offset, whence)
        return place

    def tell(self) -> int:
        place: int = self._stored.tell()
        return place

    def readinto(self, buffer: Any) -> int:
        with self._told():
            data = self._stored.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
