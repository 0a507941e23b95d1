"""The one door: from a manifest's address to pieces of rows."""

import contextlib
import csv
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from sais.errors import EmptyBatch, ManifestError
from sais.manifests.columns import ManifestColumns
from sais.manifests.formats import detect_format
from sais.manifests.pieces import read_pieces
from sais.manifests.rows import ManifestRow, rows_of
from sais.manifests.sources import ManifestSource, undecodable_line

# BadGzipFile and a broken Parquet page are OSErrors, as is a file that may not be read.
UNREADABLE = (pd.errors.ParserError, pa.ArrowException, csv.Error, zlib.error, EOFError, OSError, RecursionError)


def read_manifest(
    source: str | Path,
    *,
    columns: ManifestColumns | None = None,
    options: Mapping[str, Any] | None = None,
    piece_rows: int = 2000,
) -> Iterator[list[ManifestRow]]:
    """Yields lists of at most `piece_rows` rows, in the order of the file, duplicates and all.

    CSV, TSV, JSON Lines, Parquet or one URL a line, each also gzipped, from a path, `file://` or `s3://` (`options` are
    then s3fs keyword arguments). A row without a URL comes with `url == ""`. Raises, from the first `next` on,
    ManifestError for what is not there or cannot be read, EmptyBatch for no row at all, StorageError when S3 fails.
    """
    manifest = ManifestSource(source, options or {})
    empty = True
    with _told(manifest):
        for piece in _pieces_of_rows(manifest, columns or ManifestColumns(), piece_rows):
            empty = False
            yield piece
    if empty:
        raise EmptyBatch(f"the manifest {manifest.shown} lists no image", field="manifest")


def _pieces_of_rows(manifest: ManifestSource, columns: ManifestColumns, piece_rows: int) -> Iterator[list[ManifestRow]]:
    url_column = None
    for records in read_pieces(manifest, detect_format(manifest), piece_rows):
        if records:
            url_column = url_column or columns.url_column(records)
            yield rows_of(records, url_column, columns)


@contextlib.contextmanager
def _told(manifest: ManifestSource) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        line = undecodable_line(manifest) if error.encoding == "utf-8" else None
        where = f"line {line}" if line else "the file"
        raise _unreadable(manifest, f"{where} is not {error.encoding.upper()}; save it as UTF-8") from error
    except FileNotFoundError as error:
        raise ManifestError(f"there is no manifest {manifest.shown}", field="manifest") from error
    except UNREADABLE as error:
        raise _unreadable(manifest, str(error).strip()) from error


def _unreadable(manifest: ManifestSource, words: str) -> ManifestError:
    return ManifestError(f"cannot read the manifest {manifest.shown}: {words}", field="manifest")
