"""Which kind of manifest it is: by its content where that is plain, else by its name."""

import csv
import re
from enum import StrEnum

from sais.errors import ManifestError
from sais.manifests.sources import ManifestSource

HEAD_BYTES = 16
FIRST_LINE = 100_000
DELIMITERS = ",;\t|"
# `https://a/1.jpg,Title`: commas are legal in URLs (IIIF has them), but hardly right behind a file's extension.
MORE_CELLS = re.compile(r"\t|\.(jpe?g|png|gif|webp|avif|tiff?|bmp|heic)[,;|]", re.IGNORECASE)


class ManifestFormat(StrEnum):
    TABLE = "table"
    TABS = "tabs"
    JSON_LINES = "json lines"
    PARQUET = "parquet"
    URLS = "urls"


SUFFIXES = {
    ".csv": ManifestFormat.TABLE,
    ".tsv": ManifestFormat.TABS,
    ".jsonl": ManifestFormat.JSON_LINES,
    ".ndjson": ManifestFormat.JSON_LINES,
    ".parquet": ManifestFormat.PARQUET,
    ".pq": ManifestFormat.PARQUET,
    ".txt": ManifestFormat.URLS,
    ".list": ManifestFormat.URLS,
}


def detect_format(source: ManifestSource) -> ManifestFormat:
    """Raises ManifestError for a spreadsheet, and for a first line that is a URL with more cells behind it."""
    with source.opened() as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"PK\x03\x04"):
        raise ManifestError("the manifest is a spreadsheet or a zip file; save it as CSV", field="manifest")
    named = SUFFIXES.get(source.suffix)
    if head.startswith(b"PAR1") or named is ManifestFormat.PARQUET:
        return ManifestFormat.PARQUET
    return _text_format(named, first_line(source))


def first_line(source: ManifestSource) -> str:
    """The first line that is not blank, stripped."""
    with source.text() as text:
        return next((line.strip() for line in iter(lambda: text.readline(FIRST_LINE), "") if line.strip()), "")


def delimiter_of(header: str) -> str:
    """The one that cuts the header into most cells; a comma when none does."""
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), [])))


def _text_format(named: ManifestFormat | None, line: str) -> ManifestFormat:
    if named is ManifestFormat.JSON_LINES or (named is None and line.startswith("{")):
        return ManifestFormat.JSON_LINES
    if re.match(r'"?https?://', line, re.IGNORECASE):
        _refuse_more_cells(line)
        return ManifestFormat.URLS
    if named is None:
        return ManifestFormat.URLS if line.startswith("#") else ManifestFormat.TABLE
    return named


def _refuse_more_cells(line: str) -> None:
    cells = next(csv.reader([line])) if line.startswith('"') else [line]
    if len(cells) > 1 or MORE_CELLS.search(cells[0]):
        raise ManifestError(
            "the manifest's first line is a URL with other cells: put a line of column names first", field="manifest"
        )
