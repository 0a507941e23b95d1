"""Readers of each format: all give lists of a bounded number of records, with the values as they stand."""

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sais.errors import ManifestError
from sais.manifests.formats import ManifestFormat, delimiter_of, first_line
from sais.manifests.sources import ManifestSource

PARQUET_BUFFER = 2**20
BYTES = (pa.binary(), pa.large_binary(), pa.binary_view())
T = TypeVar("T")
Record = dict[str, Any]


def read_pieces(source: ManifestSource, kind: ManifestFormat, rows: int) -> Iterator[list[Record]]:
    if kind is ManifestFormat.PARQUET:
        return _parquet(source, rows)
    if kind is ManifestFormat.JSON_LINES:
        return _json_lines(source, rows)
    if kind is ManifestFormat.URLS:
        return _urls(source, rows)
    return _table(source, "\t" if kind is ManifestFormat.TABS else delimiter_of(first_line(source)), rows)


def _table(source: ManifestSource, delimiter: str, rows: int) -> Iterator[list[Record]]:
    """Every cell stays text, so that `007`, `NA` and `1e5` come through; an empty cell is the empty string."""
    with source.text() as text:
        try:
            frames = pd.read_csv(text, sep=delimiter, dtype=str, na_filter=False, chunksize=rows)
        except pd.errors.EmptyDataError:
            return
        for frame in frames:
            # pandas takes the first cell for an index when all rows are longer than the header.
            if not isinstance(frame.index, pd.RangeIndex):
                raise ManifestError("the manifest's rows have more cells than its first line", field="manifest")
            cells = zip(*(frame[name].tolist() for name in frame.columns), strict=True)
            yield [dict(zip(frame.columns, row, strict=True)) for row in cells]


def _json_lines(source: ManifestSource, rows: int) -> Iterator[list[Record]]:
    """Parsed line by line: pandas' own reader makes 7 into 7.0 where another row has no such key."""
    with source.text() as text:
        numbered = ((number, line) for number, line in enumerate(text, 1) if line.strip())
        yield from _cut((_json_object(number, line) for number, line in numbered), rows)


def _json_object(number: int, line: str) -> Record:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"line {number} of the manifest is not JSON: {error}", field="manifest") from error
    if isinstance(value, str):
        return {"url": value}
    if not isinstance(value, dict):
        raise ManifestError(f"line {number} of the manifest is neither an object nor a string", field="manifest")
    return value


def _parquet(source: ManifestSource, rows: int) -> Iterator[list[Record]]:
    """In batches of a row group, through a small buffer. Embedded images are not read: 5,000 fill a gigabyte."""
    with source.seekable() as file, pq.ParquetFile(file, buffer_size=PARQUET_BUFFER, pre_buffer=False) as table:
        names = [column.name for column in table.schema_arrow if not _has_bytes(column.type)]
        for batch in table.iter_batches(batch_size=rows, columns=names):
            yield batch.to_pylist()


def _has_bytes(kind: pa.DataType) -> bool:
    inner = (kind.field(place).type for place in range(kind.num_fields))
    return kind in BYTES or pa.types.is_fixed_size_binary(kind) or any(map(_has_bytes, inner))


def _urls(source: ManifestSource, rows: int) -> Iterator[list[Record]]:
    """One a line; blank lines and lines that start with `#` are skipped."""
    with source.text() as text:
        stripped = (line.strip() for line in text)
        urls = (line.strip('"') for line in stripped if line and not line.startswith("#"))
        yield from _cut(({"url": url} for url in urls), rows)


def _cut(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items."""
    remaining = iter(items)
    while piece := list(itertools.islice(remaining, size)):
        yield piece
