"""Pictures before and after, for people to look at."""

from collections.abc import Sequence

from sais.errors import StorageError
from sais.imaging import contact_sheet
from sais.storage import Storage

PAIRS = 12
COLUMNS, CELL = 4, 192  # two pairs in a row, large enough to see a change of quality


class Samples:
    """Of one account: the first few thumbs as they were, each beside what took its place."""

    def __init__(self, cache: Storage) -> None:
        self._cache = cache
        self._asked = 0
        self._pairs: list[tuple[bytes, bytes]] = []

    async def before(self, path: str) -> bytes | None:
        """The thumb that is there now; None when enough was seen, or when it cannot be read."""
        if self._asked >= PAIRS:
            return None
        self._asked += 1
        return await self._read(path)

    async def after(self, former: bytes | None, path: str) -> None:
        now = await self._read(path) if former is not None else None
        if former is not None and now is not None:
            self._pairs.append((former, now))

    @property
    def pairs(self) -> Sequence[tuple[bytes, bytes]]:
        return self._pairs

    def sheet(self) -> bytes | None:
        """WebP, at most about 110 KB; each thumb before, and right of it after."""
        flat = [thumb for pair in self._pairs for thumb in pair]
        return contact_sheet(flat, columns=COLUMNS, cell=CELL) if flat else None

    async def _read(self, path: str) -> bytes | None:
        try:
            return await self._cache.read(path)
        except StorageError:
            return None
