"""The folder beside its destination in which an export grows, and the cursor that says how far it is whole.

A killed export leaves both. The next one cuts each file to what the cursor vouches for, and goes on there.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

from sais.errors import InputError
from sais.transfer.kinds import Kind
from sais.whole_files import flush_to_disk, whole_file

CURSOR, LOCK = "cursor.json", "lock"
# Exports may hold hashes of keys, and always hold addresses and contexts: nobody else on the machine reads them.
PRIVATE = 0o700


class Spool:
    """`state` is what the cursor keeps: `started`, `order`, and for each kind `rows`, `bytes`, `after`, `whole`."""

    def __init__(self, folder: Path, state: dict[str, Any], lock: IO[str]) -> None:
        self.folder, self.state = folder, state
        self._lock = lock  # held for as long as this object lives, and not longer than its process
        self._file: BinaryIO | None = None
        self._kind: Kind | None = None

    @classmethod
    def open(cls, folder: Path, order: Mapping[str, Any], started: str) -> "Spool":
        """Goes on with what is there. Raises InputError when that is of an export with another order, or of one that
        is under way."""
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"another export writes to {folder} now", field="dest") from error
        fresh = {"started": started, "order": dict(order), "kinds": {}}
        place = folder / CURSOR
        state = json.loads(place.read_text()) if place.exists() else fresh
        if state["order"] != fresh["order"]:
            raise InputError(
                f"{folder} is what an interrupted export with other options left: repeat it with those, or remove it",
                field="dest",
            )
        return cls(folder, state, lock)

    def place(self, kind: Kind) -> dict[str, Any]:
        """How far this kind is: `after` is the key of its last row."""
        fresh = {"rows": 0, "bytes": 0, "after": [], "whole": False}
        found: dict[str, Any] = self.state["kinds"].setdefault(kind.value, fresh)
        return found

    def append(self, kind: Kind, data: bytes, rows: int, after: list[str]) -> None:
        """First the bytes are safe on the disk, then the cursor says so."""
        place = self.place(kind)
        file = self._opened(kind, place["bytes"])
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            self.close()  # opened again, it is cut to what the cursor vouches for
            raise
        place.update(rows=place["rows"] + rows, bytes=place["bytes"] + len(data), after=after)
        self._save()

    def end(self, kind: Kind) -> None:
        place = self.place(kind)
        self._opened(kind, place["bytes"])
        self.close()
        place["whole"] = True
        self._save()

    def close(self) -> None:
        file, self._file, self._kind = self._file, None, None
        if file is not None:
            with contextlib.suppress(OSError):  # what could not be written is not vouched for
                file.close()

    def _opened(self, kind: Kind, size: int) -> BinaryIO:
        if self._file is None or self._kind != kind:
            self.close()
            path = self.folder / kind.file
            path.touch(mode=0o600)
            self._file, self._kind = path.open("r+b"), kind
            self._file.truncate(size)
            self._file.seek(size)
        return self._file

    def _save(self) -> None:
        with whole_file(self.folder / CURSOR) as partial:
            partial.write_text(json.dumps(self.state))
            flush_to_disk(partial)
