"""The files of media, wherever they are: local original, archive, thumb cache."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sais.addressing import thumb_path
from sais.configuration import Configuration
from sais.storage import LocalFolder, Storage, open_storage
from sais_models import Media

AT_ONCE = 32


class Files:
    """No dataclass: Prefect would walk through it."""

    def __init__(self, originals: Path, archive: Storage, cache: Storage) -> None:
        self._originals, self._archive, self._cache = LocalFolder(originals), archive, cache
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def delete(self, media: Sequence[Media], presets: Sequence[str]) -> None:
        """Every file that these media can have. What is not there is fine. Raises StorageError."""
        await asyncio.gather(*(self._delete_all_of(one, presets) for one in media))

    async def sweep(self, root: str, presets: Sequence[str]) -> int:
        """What lies below an account's own folders and belongs to no row. Returns how many files that were."""
        places = [(self._originals, root), (self._archive, root)]
        places += [(self._cache, thumb_path(preset, root)) for preset in presets]
        swept = 0
        for storage, folder in places:
            async for entry in storage.list(folder):
                await storage.delete(entry.path)
                swept += 1
        return swept

    async def _delete_all_of(self, media: Media, presets: Sequence[str]) -> None:
        async with self._gate:
            await self._originals.delete(f"{media.root}/.incoming/{media.code}")
            if media.path is not None:
                await self._originals.delete(media.path)
                for preset in presets:
                    await self._cache.delete(thumb_path(preset, media.path))
                # Last: while the original is there, a killed purge can still be told from a finished one.
                await self._archive.delete(media.path)


@asynccontextmanager
async def open_files(configuration: Configuration) -> AsyncIterator[Files]:
    """Raises SettingsError or StorageError when a storage cannot be opened."""
    async with (
        open_storage(configuration.archive_url, configuration.archive_options) as archive,
        open_storage(configuration.cache_url, configuration.cache_options) as cache,
    ):
        yield Files(configuration.settings.originals_dir, archive, cache)
