"""Where an import's lines come from: a folder or a zip. Nothing in a zip is ever unpacked to the disk."""

import codecs
import contextlib
import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from sais.errors import InputError
from sais.transfer.kinds import FORMAT, SIGN, VERSION, Kind

# Lines of exports pack to a tenth; a megabyte of zeros to a thousandth.
MOST_PACKED = 200
LONGEST_LINE = 10_000_000
SIGN_BYTES = 100_000


class Source:
    """`others` are the names in it that nobody reads."""

    def __init__(self, place: Path) -> None:
        """Raises InputError for what is no export, or not a whole one."""
        self.place = place
        names = self._names()
        self.files = {kind: next((name for name in kind.files if name in names), None) for kind in Kind}
        self.others = sorted(names - {SIGN} - {name for name in self.files.values() if name})
        if not any(self.files.values()):
            raise InputError(f"{place} has none of {', '.join(kind.file for kind in Kind)}", field="src")
        if SIGN in names:
            self._check_sign()

    @property
    def fingerprint(self) -> str:
        """Changes when a file does."""
        inside = [self.place / name for name in self.files.values() if name]
        places = inside if self.place.is_dir() else [self.place]
        stats = [(str(place), place.stat().st_size, place.stat().st_mtime_ns) for place in places]
        return hashlib.sha256(repr(stats).encode()).hexdigest()

    def lines(self, kind: Kind, skip: int = 0) -> Iterator[tuple[int, bytes | None]]:
        """Number and bytes of each line after the first `skip`; None for one that is too long to be a row."""
        name = self.files[kind]
        if name is None:
            return
        with self._opened(name) as file:
            for number, line in enumerate(_bounded(file), 1):
                if number > skip and line != b"":
                    yield number, line

    def _names(self) -> set[str]:
        if self.place.is_dir():
            return {item.name for item in self.place.iterdir() if item.is_file()}
        if not self.place.exists():
            raise InputError(f"there is no {self.place}", field="src")
        with self._zip() as packed:
            names = [item.filename for item in packed.infolist() if not item.is_dir()]
            twice = {name for name in names if names.count(name) > 1} if len(names) < 1000 else {"too many files"}  # noqa: PLR2004
            if twice:
                raise InputError(f"{self.place.name} has a name twice: {min(twice)[:60]!r}", field="src")
            for item in packed.infolist():
                self._check_member(item)
            return set(names)

    def _check_member(self, item: zipfile.ZipInfo) -> None:
        if item.filename not in {SIGN, *(name for kind in Kind for name in kind.files)}:
            return
        if item.flag_bits & 1:
            raise InputError(f"{item.filename} in {self.place.name} is encrypted", field="src")
        if item.file_size > MOST_PACKED * max(item.compress_size, 1_000):
            raise InputError(f"{item.filename} in {self.place.name} unpacks to {item.file_size:,} bytes", field="src")

    @contextlib.contextmanager
    def _zip(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.place) as packed:
                yield packed
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
            raise InputError(f"{self.place.name} is no folder and no good zip: {error}", field="src") from error

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[BinaryIO]:
        if self.place.is_dir():
            with (self.place / name).open("rb") as file:
                yield file
            return
        with self._zip() as packed, packed.open(name) as member:
            yield cast(BinaryIO, BufferedReader(cast("BufferedReader", member), 2**20))

    def _check_sign(self) -> None:
        with self._opened(SIGN) as file:
            try:
                sign = json.loads(file.read(SIGN_BYTES))
                known = sign["format"] == FORMAT and int(sign["version"]) <= VERSION
            except (ValueError, KeyError, TypeError, RecursionError):
                known = False
        if not known:
            raise InputError(f"{SIGN} is not of an export that this version reads (format {VERSION})", field="src")


def _bounded(file: BinaryIO) -> Iterator[bytes | None]:
    """Lines without their ends and a byte order mark; None for one that is longer than any row is."""
    while line := file.readline(LONGEST_LINE):
        cut = len(line) == LONGEST_LINE and not line.endswith(b"\n")
        rest = line if cut else b""
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE)
        yield None if cut else line.removeprefix(codecs.BOM_UTF8).strip()
