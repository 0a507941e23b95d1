"""What an installation has written down, read from outside by plain SQL and plain listings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec
from sqlalchemy import RowMapping, create_engine, text

from tests.chaos.receiver import Webhook, webhooks


@dataclass(frozen=True)
class Places:
    """Where an installation keeps everything; `inbox` is the receiver's folder."""

    database_url: str
    archive_url: str
    cache_url: str
    originals: Path
    inbox: Path
    s3_options: Mapping[str, Any] = field(default_factory=dict)

    def count(self, table: str, condition: str) -> int:
        (row,) = self._select(f'SELECT count(*) AS number FROM "{table}" WHERE {condition}')
        return int(row["number"])

    def rows(self, table: str) -> list[RowMapping]:
        return self._select(f'SELECT * FROM "{table}"')

    def _select(self, statement: str) -> list[RowMapping]:
        engine = create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                return list(connection.execute(text(statement)).mappings())
        finally:
            engine.dispose()


@dataclass(frozen=True)
class Files:
    """All files below an address: their sizes by their paths under it. `half` are those that a killed writer left:
    hidden, so that nobody takes them for whole ones."""

    sizes: dict[str, int]
    half: set[str]
    system: Any
    root: str

    @classmethod
    def below(cls, url: str, s3_options: Mapping[str, Any]) -> "Files":
        parts = urlsplit(url)
        root = f"{parts.netloc}{parts.path}"
        options = s3_options if parts.scheme == "s3" else {}
        system = fsspec.filesystem(parts.scheme, use_listings_cache=False, **options)
        found = system.find(root, detail=True) if system.exists(root) else {}
        sizes = {name.removeprefix(root).lstrip("/"): int(entry["size"]) for name, entry in found.items()}
        half = {path for path in sizes if _is_half(path)}
        return cls({path: size for path, size in sizes.items() if path not in half}, half, system, root)

    def of(self, root: str | None) -> "Files":
        """Those of one account: its root is a folder in every path."""
        if root is None:
            return self
        sizes = {path: size for path, size in self.sizes.items() if root in path.split("/")}
        return replace(self, sizes=sizes, half={path for path in self.half if root in path.split("/")})

    def read(self, path: str) -> bytes | None:
        """None when it is not there."""
        if path not in self.sizes:
            return None
        data: bytes = self.system.cat_file(f"{self.root}/{path}")
        return data


def _is_half(path: str) -> bool:
    *folders, name = path.split("/")
    return ".incoming" in folders or name.startswith(".sais-") or ".sais-unfinished" in folders


@dataclass(frozen=True)
class Books:
    batches: list[RowMapping]
    items: list[RowMapping]
    media: dict[str, RowMapping]
    thumbs: list[RowMapping]
    deliveries: list[RowMapping]
    archive: Files
    cache: Files
    originals: Files
    webhooks: list[Webhook]

    @property
    def half_written(self) -> set[str]:
        """Files that killed writers left."""
        return self.archive.half | self.cache.half | self.originals.half

    @classmethod
    def of(cls, places: Places, root: str | None = None) -> "Books":
        """Of one account, or of all."""

        def mine(rows: Iterable[RowMapping]) -> list[RowMapping]:
            return [row for row in rows if root in (None, row["root"])]

        batches = mine(places.rows("batch"))
        ids = {batch["id"] for batch in batches}
        media = {row["code"]: row for row in mine(places.rows("media"))}
        return cls(
            batches=batches,
            items=[row for row in places.rows("batch_item") if row["batch_id"] in ids],
            media=media,
            thumbs=[row for row in places.rows("thumb") if row["code"] in media],
            deliveries=mine(places.rows("delivery")),
            archive=Files.below(places.archive_url, places.s3_options).of(root),
            cache=Files.below(places.cache_url, places.s3_options).of(root),
            originals=Files.below(places.originals.as_uri(), {}).of(root),
            webhooks=[webhook for webhook in webhooks(places.inbox) if root in (None, webhook.root)],
        )
