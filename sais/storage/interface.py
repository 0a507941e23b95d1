"""What every storage can do. Tasks and the gateway know nothing else about where bytes are kept."""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

WRITES_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a listing; `size` in bytes.

    `version` changes whenever the bytes do: S3's ETag, a folder's time of change. Two entries are equal without it.
    """

    path: str
    size: int
    version: str = field(default="", compare=False)
    modified: datetime | None = field(default=None, compare=False)

    @property
    def md5(self) -> str | None:
        """In hex, where the version is one: S3's ETag of what went up in one part. With encryption it may be none."""
        return self.version if re.fullmatch("[0-9a-f]{32}", self.version) else None


class LocalFile(NamedTuple):
    """A local file that is to be kept as `path`. Its bytes never change: it may be linked instead of copied."""

    path: str
    source: Path
    mime_type: str


class Storage(ABC):
    """Files under relative POSIX paths; open it with `async with`, in the event loop that uses it.

    Every file appears whole or not at all. A path that could leave the storage is refused with StorageError, a file
    that is not there is FileMissing, all else that goes wrong is StorageError, in words without credentials.
    """

    url: str

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @abstractmethod
    async def write(self, path: str, data: bytes, mime_type: str) -> None:
        """Makes or replaces one file; `mime_type` is kept where the storage can keep it (S3: Content-Type)."""

    @abstractmethod
    async def write_file(self, path: str, source: Path, mime_type: str) -> None:
        """As `write`, from a local file of any size and without holding it in memory."""

    async def write_files(self, files: Sequence[LocalFile]) -> None:
        """As `write_file` for each, and cheaper for many. After an error some of them are there."""
        gate = asyncio.Semaphore(WRITES_AT_ONCE)
        writing = [asyncio.ensure_future(self._write_gated(gate, file)) for file in files]
        try:
            await asyncio.gather(*writing)
        finally:
            for task in writing:
                task.cancel()
            await asyncio.gather(*writing, return_exceptions=True)

    async def _write_gated(self, gate: asyncio.Semaphore, file: LocalFile) -> None:
        async with gate:
            await self.write_file(*file)

    @abstractmethod
    async def flush(self, paths: Sequence[str]) -> None:
        """Files that somebody else wrote in `folder()` survive a power cut after this."""

    @abstractmethod
    async def read(self, path: str) -> bytes: ...

    @abstractmethod
    async def read_to(self, path: str, destination: Path) -> None:
        """Into a local file of any size, which appears whole; its folder is made when it is not there."""

    @abstractmethod
    async def entry(self, path: str) -> Entry | None:
        """As a listing has it now; None when there is no such file."""

    async def size(self, path: str) -> int | None:
        """In bytes; None when there is no such file."""
        entry = await self.entry(path)
        return None if entry is None else entry.size

    @abstractmethod
    async def checksum(self, path: str) -> str:
        """xxh3_128 of the bytes, 32 hex digits; reads all of them, a megabyte at a time."""

    @abstractmethod
    async def move(self, path: str, to: str) -> None:
        """Gives a file another path; one that is there already is replaced."""

    @abstractmethod
    async def delete(self, path: str) -> None:
        """A file that is not there is fine."""

    @abstractmethod
    def list(self, prefix: str = "", *, deep: bool = True) -> AsyncIterator[Entry]:
        """All files below the folder `prefix` in no promised order, 1,000 in memory at a time.

        Not `deep`: without those in folders below it.
        """

    @abstractmethod
    async def folders(self, prefix: str = "") -> Sequence[str]:
        """The names of the folders directly below `prefix`."""

    async def clean(self, older_than: float) -> int:
        """Removes what killed writers left unfinished more than so many seconds ago. Returns how many files."""
        return 0

    @abstractmethod
    async def presign(self, path: str, seconds: int) -> str | None:
        """An address from which anybody can read the file for so long; None for a local folder."""

    @abstractmethod
    def local_path(self, path: str) -> Path | None:
        """For `sendfile`, whether or not the file is there; None for S3."""

    @abstractmethod
    def folder(self) -> Path | None:
        """Where other processes may write whole files (`sais.whole_files.write_beneath`); None for S3."""

    @abstractmethod
    async def _open(self) -> None: ...

    @abstractmethod
    async def _close(self) -> None: ...
