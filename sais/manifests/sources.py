"""Where a manifest's bytes come from: a local file or S3, plain or gzipped, always as a stream."""

import contextlib
import gzip
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import fsspec

from sais.errors import ManifestError
from sais.manifests.streams import LineGuard, ToldReads
from sais.storage.s3_words import told

GZIP_MAGIC = b"\x1f\x8b"
# s3fs reads ahead by a block: its own 50 MB would be most of the memory of a run.
S3_BLOCK = 4 * 2**20


@dataclass(frozen=True)
class ManifestSource:
    """Can be opened again and again; `options` are s3fs keyword arguments and are never shown."""

    address: str | Path
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        return str(self.address)

    @property
    def suffix(self) -> str:
        """Of the name without `.gz`, in lower case: `.csv`."""
        return Path(self._file_name.removesuffix(".gz")).suffix

    @property
    def _file_name(self) -> str:
        return urlsplit(self.shown).path.lower() if "://" in self.shown else self.shown.lower()

    @contextlib.contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The bytes after gzip, from the start; only forward."""
        with self._stored() as stored:
            start = stored.read(len(GZIP_MAGIC))
            stored.seek(0)
            # A file that is only named `.gz` goes through gzip too, which then says what is wrong.
            if start == GZIP_MAGIC or (start and self._file_name.endswith(".gz")):
                with gzip.GzipFile(fileobj=stored) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield stored

    @contextlib.contextmanager
    def text(self) -> Iterator[io.TextIOWrapper]:
        """Decoded as UTF-8, or UTF-16 where a byte order mark says so; line ends as they stand."""
        with self.opened() as file:
            lines = io.BufferedReader(LineGuard(file))
            utf16 = lines.peek(2)[:2] in {b"\xff\xfe", b"\xfe\xff"}
            yield io.TextIOWrapper(lines, encoding="utf-16" if utf16 else "utf-8-sig", newline="")

    @contextlib.contextmanager
    def seekable(self) -> Iterator[BinaryIO]:
        """Parquet is read from its end, and jumps: what is not a plain local file is copied to a temporary one."""
        with self.opened() as file:
            if isinstance(getattr(file, "raw", None), io.FileIO):
                yield file
                return
            with tempfile.TemporaryFile() as copy:
                shutil.copyfileobj(file, copy, 2**20)
                copy.seek(0)
                yield cast(BinaryIO, copy)

    def _stored(self) -> contextlib.AbstractContextManager[BinaryIO]:
        scheme, separator, _ = self.shown.partition("://")
        if not separator:
            return Path(self.address).open("rb")
        if scheme == "file":
            return Path(url2pathname(urlsplit(self.shown).path)).open("rb")
        if scheme == "s3":
            return self._s3_object()
        raise ManifestError(f"{self.shown}: a manifest is a path, file:// or s3://", field="manifest")

    @contextlib.contextmanager
    def _s3_object(self) -> Iterator[BinaryIO]:
        options = {"default_block_size": S3_BLOCK, "use_listings_cache": False, **self.options}
        with told("read", self.shown, self.options):
            try:
                stored = fsspec.open(self.shown, "rb", **options).open()
                _ = stored.size  # asks the server
            except FileNotFoundError as error:
                raise ManifestError(f"there is no manifest {self.shown}", field="manifest") from error
        with stored:
            yield cast(BinaryIO, io.BufferedReader(ToldReads(stored, lambda: told("read", self.shown, self.options))))


def undecodable_line(source: ManifestSource) -> int | None:
    """The number of the first line that is not UTF-8: the decoder itself knows only its place in a block."""
    with source.opened() as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None
