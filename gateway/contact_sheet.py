"""The pictures of a batch as a page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sais.fetching import redact_url
from sais_models.wire import MediaRow, ThumbData

# Large enough to see, small enough for 200 on a page.
SHOWN = ("small", "tiny", "medium")


@dataclass(frozen=True)
class Tile:
    """One image; `thumb` is None while there is none. `source` is the redacted address, `name` its last part."""

    code: str | None
    source: str
    name: str
    marking: str
    reason: str | None
    thumb: ThumbData | None


def tiles_of(rows: Sequence[MediaRow], presets: Sequence[str]) -> list[Tile]:
    """`presets` are the batch's own: what it did not ask for is shown only when there is nothing else."""
    order = [name for name in SHOWN if name in presets] + [name for name in presets if name not in SHOWN]
    return [_tile(row, order) for row in rows]


def _tile(row: MediaRow, order: Sequence[str]) -> Tile:
    source = redact_url(row.original_url)
    return Tile(
        code=row.code,
        source=source,
        name=source.rstrip("/").rpartition("/")[2] or source,
        marking=row.marking,
        reason=row.reason,
        thumb=next((row.thumb_data[name] for name in (*order, *row.thumb_data) if name in row.thumb_data), None),
    )
