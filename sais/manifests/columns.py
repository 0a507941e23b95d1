"""Which column is the URL, which the size, which holds more context."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sais.errors import ManifestError

# In this order: where a table has `url` and `image_url`, the first is often the page that shows the image.
URL_NAMES = ("image_url", "image link", "original_url", "image_src", "media_url", "url", "image", "src", "href")
SIZE_NAMES = ("size", "bytes")
CONTEXT_NAMES = ("context",)


@dataclass(frozen=True)
class ManifestColumns:
    """Names to use instead of the usual ones; case, spaces, `_` and `-` do not count."""

    url: str | None = None
    size: str | None = None
    context: str | None = None

    def url_column(self, records: Sequence[Mapping[str, Any]]) -> str:
        """The column of URLs, or ManifestError that names the columns found and the names accepted."""
        names = names_of(records)
        found = _first([self.url] if self.url else URL_NAMES, names)
        if found is None:
            there, wanted = ", ".join(names)[:500], self.url or ", ".join(URL_NAMES)
            raise ManifestError(f"no column of URLs among: {there}; a name is needed: {wanted}", field="manifest")
        return found

    def size_column(self, names: Sequence[str]) -> str | None:
        return _first([self.size] if self.size else SIZE_NAMES, names)

    def context_column(self, names: Sequence[str]) -> str | None:
        return _first([self.context] if self.context else CONTEXT_NAMES, names)


def names_of(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every column that one of the records has, in the order of appearance."""
    return list(dict.fromkeys(name for record in records for name in record))


def _first(wanted: Iterable[str], names: Sequence[str]) -> str | None:
    by_plain_name = {_plain(name): name for name in reversed(names)}
    return next((by_plain_name[_plain(name)] for name in wanted if _plain(name) in by_plain_name), None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()
