"""From records to rows: a URL, a size where it is known, and everything else as context fit for JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from sais.manifests.columns import ManifestColumns, names_of

# A context goes into the database and into each webhook. What does not fit is left out by whole values, and named.
CONTEXT_CHARACTERS = 16_000
OMITTED = "_omitted"
MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """`url` is empty where the manifest has none; `size` in bytes, a hint for planning."""

    url: str
    context: dict[str, Any] = field(default_factory=dict)
    size: int | None = None


def rows_of(records: Sequence[dict[str, Any]], url_column: str, columns: ManifestColumns) -> list[ManifestRow]:
    """One row for each record, in their order."""
    names = names_of(records)
    size_column, context_column = columns.size_column(names), columns.context_column(names)
    return [_row(dict(record), url_column, size_column, context_column) for record in records]


def _row(cells: dict[str, Any], url_column: str, size_column: str | None, context_column: str | None) -> ManifestRow:
    url = _json_value(cells.pop(url_column, None))
    size = _bytes(cells.get(size_column)) if size_column else None
    if size_column and size is not None:
        del cells[size_column]
    more = _object(cells.get(context_column)) if context_column else {}
    if context_column and more:
        del cells[context_column]
    context = {str(name): known for name, cell in cells.items() if (known := _json_value(cell)) is not None}
    return ManifestRow("" if url is None else str(url).strip(), _capped({**context, **more}), size)


def _bytes(cell: Any) -> int | None:
    """A `size` of `XL` stays in the context."""
    text = str(cell).strip().removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _object(cell: Any) -> dict[str, Any]:
    if isinstance(cell, str) and cell.lstrip().startswith("{"):
        try:
            cell = json.loads(cell)
        except ValueError:
            return {}
    return _json_value(cell) if isinstance(cell, dict) else {}


def _json_value(cell: Any) -> Any:
    """None for what is not there: empty text, NaN, bytes."""
    if isinstance(cell, str):
        return cell or None
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    return _json_compound(cell)


def _json_compound(cell: Any) -> Any:
    if isinstance(cell, Mapping):
        return {str(name): _json_value(value) for name, value in cell.items()}
    if isinstance(cell, list | tuple):
        return [_json_value(value) for value in cell]
    if isinstance(cell, bytes):
        return None
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _capped(context: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    omitted, room = [], CONTEXT_CHARACTERS
    for name, value in context.items():
        needed = len(name) + (len(value) if isinstance(value, str) else len(json.dumps(value)))
        if needed > room:
            omitted.append(name)
        else:
            kept[name], room = value, room - needed
    return {**kept, OMITTED: omitted} if omitted else kept
