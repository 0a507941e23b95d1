"""The one way in for an image as bytes: the gateway's `/upload` and `sais queue --path` both go through here."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sais.catalog.threaded import ThreadedDatabase
from sais.configuration import Configuration
from sais.errors import InputError
from sais.fetching import Guard
from sais.fetching.whole_file import WholeFile
from sais.imaging import inspect
from sais.storage import open_storage
from sais.submission import Submission
from sais.upload import Upload, UploadOrder, check_room, is_kept, keep_original, submit_upload
from sais_models import Account

PIECE_BYTES = 1_000_000


@dataclass(frozen=True)
class Intake:
    database: ThreadedDatabase
    configuration: Configuration
    guard: Guard

    @contextmanager
    def place(self) -> Iterator[Path]:
        """For a file that comes in; on the disk of the originals, so that it can be renamed to where it stays. What is
        still there at the end is removed."""
        place = self.configuration.settings.originals_dir / ".incoming" / secrets.token_hex(16)
        try:
            yield place
        finally:
            place.unlink(missing_ok=True)

    async def take(self, account: Account, place: Path, file: WholeFile, order: UploadOrder) -> Submission:
        """`file` is written whole to `place` and not kept yet. Raises MediaError for what is no image of ours
        or one too many, QueueFull, StorageError."""
        await asyncio.to_thread(file.keep)
        max_pixels = self.configuration.settings.max_pixels
        facts = await asyncio.to_thread(inspect, place, max_pixels=max_pixels)
        upload = Upload(account, file.checksum, facts)
        await self._keep(upload, place)
        return await self.database.write(submit_upload, upload, order, guard=self.guard)

    async def take_local(self, account: Account, path: Path, order: UploadOrder) -> Submission:
        """A file of this machine, which stays where it is. Raises InputError when it cannot be read, and as `take`."""
        await self.database.read(order.check, self.guard)
        with self.place() as place, WholeFile(place, self.configuration.settings.max_bytes) as file:
            await asyncio.to_thread(_copy, path, file)
            return await self.take(account, place, file, order)

    async def _keep(self, upload: Upload, place: Path) -> None:
        """Once; and again when it is not in the archive any more."""
        configuration = self.configuration
        known = await self.database.read(is_kept, upload)
        if not known:
            await self.database.read(check_room, upload)
        async with open_storage(configuration.archive_url, configuration.archive_options) as archive:
            if not known or await archive.size(upload.path) is None:
                await keep_original(upload, place, configuration.settings.originals_dir, archive)


def _copy(path: Path, file: WholeFile) -> None:
    try:
        with path.open("rb") as source:
            while piece := source.read(PIECE_BYTES):
                file.write(piece)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", field="path") from error
