"""A storage in a local folder. The work is done in threads, so that a slow disk never holds up the event loop."""

import asyncio
import contextlib
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import xxhash

from sais.errors import FileMissing, StorageError
from sais.storage.interface import Entry, LocalFile, Storage
from sais.storage.paths import checked_path, checked_prefix
from sais.whole_files import ASIDE, PARTIAL_PREFIX, flush_beneath, flush_to_disk, remove_abandoned, whole_file

PAGE = 1000
READ_BYTES = 2**20


class LocalFolder(Storage):
    """`root` is made when it is not there. MIME types are not kept: readers sniff, or know from the row."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.url = self.root.as_uri()
        self._aside = self.root / ASIDE

    async def _open(self) -> None:
        with self._told("open", ""):
            await asyncio.to_thread(self.root.mkdir, parents=True, exist_ok=True)

    async def _close(self) -> None:
        """Nothing is held open."""

    async def write(self, path: str, data: bytes, mime_type: str) -> None:
        place = self.local_path(path)
        with self._told("write", path):
            await asyncio.to_thread(_write, place, data, self._aside)

    async def write_file(self, path: str, source: Path, mime_type: str) -> None:
        place = self.local_path(path)
        with self._told("write", path):
            await asyncio.to_thread(_copy_in, source, place, self._aside)

    async def write_files(self, files: Sequence[LocalFile]) -> None:
        with self._told("write", files[0].path if len(files) == 1 else f"one of {len(files)} files"):
            await asyncio.to_thread(self._take_in, files)

    async def flush(self, paths: Sequence[str]) -> None:
        with self._told("flush", paths[0] if len(paths) == 1 else f"{len(paths)} files"):
            await asyncio.to_thread(flush_beneath, self.root, [self.root / checked_path(path) for path in paths])

    async def read(self, path: str) -> bytes:
        place = self.local_path(path)
        with self._told("read", path), self._missing(path):
            return await asyncio.to_thread(place.read_bytes)

    async def read_to(self, path: str, destination: Path) -> None:
        place = self.local_path(path)
        if await self.size(path) is None:
            raise FileMissing(f"{self.url} has no {path}")
        with self._told("read", path):
            await asyncio.to_thread(_copy_out, place, destination)

    async def entry(self, path: str) -> Entry | None:
        place = self.local_path(path)
        with self._told("look at", path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return await asyncio.to_thread(_entry, path, place)
        return None

    async def checksum(self, path: str) -> str:
        place = self.local_path(path)
        with self._told("read", path), self._missing(path):
            return await asyncio.to_thread(checksum_of, place)

    async def move(self, path: str, to: str) -> None:
        place, destination = self.local_path(path), self.local_path(to)
        with self._told("move", path), self._missing(path):
            await asyncio.to_thread(_move, place, destination)

    async def delete(self, path: str) -> None:
        place = self.local_path(path)
        with self._told("delete", path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            await asyncio.to_thread(place.unlink)

    async def folders(self, prefix: str = "") -> Sequence[str]:
        folder = checked_prefix(prefix)
        with self._told("list", prefix), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return await asyncio.to_thread(_folders, self.local_path(folder) if folder else self.root)
        return ()

    async def list(self, prefix: str = "", *, deep: bool = True) -> AsyncIterator[Entry]:
        entries = self._walk(checked_prefix(prefix), deep)
        while page := await self._page(entries, prefix):
            for entry in page:
                yield entry

    async def clean(self, older_than: float) -> int:
        with self._told("clean", ASIDE):
            return await asyncio.to_thread(remove_abandoned, self._aside, older_than=older_than)

    async def presign(self, path: str, seconds: int) -> str | None:
        checked_path(path)
        return None

    def local_path(self, path: str) -> Path:
        """Symbolic links are followed first: one that leads out of the folder is refused."""
        place = Path(os.path.realpath(self.root / checked_path(path)))
        if not place.is_relative_to(self.root):
            raise StorageError(f"refused path {path!r}: a symbolic link leads out of the storage")
        return place

    def folder(self) -> Path:
        return self.root

    def _take_in(self, files: Sequence[LocalFile]) -> None:
        places = [self.local_path(file.path) for file in files]
        for file, place in zip(files, places, strict=True):
            _link_in(file.source, place, self._aside)
        flush_beneath(self.root, places)

    async def _page(self, entries: Iterator[Entry], prefix: str) -> Sequence[Entry]:
        with self._told("list", prefix):
            return await asyncio.to_thread(lambda: tuple(itertools.islice(entries, PAGE)))

    def _walk(self, prefix: str, deep: bool) -> Iterator[Entry]:
        folders = [str(self.local_path(prefix) if prefix else self.root)]
        start = len(str(self.root)) + 1  # cut: relative_to takes 20 times as long, a million times
        while folders:
            # What went away since its folder was read is not there.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folders.pop()) as items:
                for item in items:
                    if item.name.startswith(PARTIAL_PREFIX):
                        continue
                    if item.is_dir(follow_symlinks=False):
                        folders += [item.path] if deep else []
                    elif item.is_file(follow_symlinks=False):
                        with contextlib.suppress(FileNotFoundError):
                            yield _entry_of(item.path[start:], item.stat())

    @contextlib.contextmanager
    def _told(self, action: str, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"cannot {action} {path} in {self.url}: {error.strerror or error}") from error

    @contextlib.contextmanager
    def _missing(self, path: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise FileMissing(f"{self.url} has no {path}") from error


def _write(place: Path, data: bytes, aside: Path) -> None:
    with whole_file(place, aside) as partial:
        partial.write_bytes(data)
        flush_to_disk(partial)


def _copy_in(source: Path, place: Path, aside: Path) -> None:
    with whole_file(place, aside) as partial:
        shutil.copyfile(source, partial)
        flush_to_disk(partial)


def _link_in(source: Path, place: Path, aside: Path) -> None:
    """A second name for the same file where the file system can: nothing is copied, and neither name is written to."""
    with whole_file(place, aside) as partial:
        try:
            partial.hardlink_to(source)
        except FileNotFoundError:
            raise
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, partial)


def _copy_out(place: Path, destination: Path) -> None:
    with whole_file(destination) as partial:
        shutil.copyfile(place, partial)


def _entry(path: str, place: Path) -> Entry | None:
    return _entry_of(path, place.stat()) if place.is_file() else None


def _entry_of(path: str, facts: os.stat_result) -> Entry:
    return Entry(path, facts.st_size, f"{facts.st_mtime_ns:x}", datetime.fromtimestamp(facts.st_mtime, UTC))


def checksum_of(place: Path) -> str:
    """xxh3_128 of a local file's bytes."""
    digest = xxhash.xxh3_128()
    with place.open("rb") as file:
        while data := file.read(READ_BYTES):
            digest.update(data)
    return digest.hexdigest()


def _move(place: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    place.replace(destination)


def _is_folder(item: os.DirEntry[str]) -> bool:
    return item.is_dir(follow_symlinks=False) and not item.name.startswith(PARTIAL_PREFIX)


def _folders(place: Path) -> tuple[str, ...]:
    with os.scandir(place) as items:
        return tuple(sorted(item.name for item in items if _is_folder(item)))
