"""A file that appears whole or not at all, hashed and counted while it is written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from uuid import uuid4

import xxhash

from sais.errors import StorageError, TooBig

HEAD_BYTES = 512


class WholeFile:
    """Written beside `destination` as `.NAME.RANDOM.part`; `keep()` renames it, leaving without that removes it.

    Raises TooBig before a byte over `max_bytes` is written, StorageError when the disk does not do its part.
    """

    def __init__(self, destination: Path, max_bytes: int) -> None:
        self._destination = destination
        # Not `with_name`: paths that are taken apart and put together were a tenth of a millisecond for each image.
        folder, name = os.path.split(destination)
        self._part = os.path.join(folder, f".{name}.{uuid4().hex}.part")  # noqa: PTH118
        self._kept = False
        self._max_bytes = max_bytes
        self._hash = xxhash.xxh3_128()
        self.size = 0
        self.head = b""

    @property
    def checksum(self) -> str:
        """xxh3_128 of the bytes so far, 32 hex digits."""
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        with _storage_errors(self._part):
            self._file = self._open()
        return self

    def _open(self) -> BinaryIO:
        try:
            return open(self._part, "xb")  # noqa: PTH123
        except FileNotFoundError:
            self._destination.parent.mkdir(parents=True, exist_ok=True)
            return open(self._part, "xb")  # noqa: PTH123

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise TooBig("too_big", f"more than {self._max_bytes} bytes")
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        self._hash.update(chunk)
        with _storage_errors(self._part):
            self._file.write(chunk)

    def keep(self) -> None:
        with _storage_errors(self._part):
            self._file.close()
            os.replace(self._part, self._destination)  # noqa: PTH105
            self._kept = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept:
            return
        with _storage_errors(self._part):
            try:
                self._file.close()
            finally:
                Path(self._part).unlink(missing_ok=True)


@contextmanager
def _storage_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
