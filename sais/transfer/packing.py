"""From the lines of an export to what was asked for: a folder, a zip, or Parquet for analysis."""

import json
import shutil
import zipfile
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sais.transfer.kinds import FORMAT, SIGN, VERSION, Kind
from sais.transfer.spool import CURSOR, Spool
from sais.whole_files import flush_to_disk, whole_file

ROWS_IN_GROUP = 10_000


class Format(StrEnum):
    """`ndjson` can be imported again; `parquet` is for looking at."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


_TEXT, _INT, _TIME = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
# Told to Arrow, not guessed: a group of nothing but nulls would have another type than the next. JSON stays text.
SCHEMAS = {
    Kind.ACCOUNTS: pa.schema(
        [
            *((name, _TEXT) for name in ("root", "layout", "mediaCallbackUrl", "thumbCallbackUrl", "callbackMode")),
            *((name, _INT) for name in ("approxImageCount", "binCount")),
            ("defaultPresets", _TEXT),
            ("createdAt", _TIME),
        ]
    ),
    Kind.PRESETS: pa.schema(
        [
            *((name, _TEXT) for name in ("name", "recipe", "mode", "format")),
            *((name, _INT) for name in ("width", "height", "quality")),
            ("current", pa.bool_()),
            ("createdAt", _TIME),
        ]
    ),
    Kind.MEDIA: pa.schema(
        [
            *((name, _TEXT) for name in ("code", "root", "marking", "path", "originalUrl", "mimeType", "ext")),
            *(
                (name, _INT)
                for name in ("size", "statusCode", "originalWidth", "originalHeight", "attempts", "retries")
            ),
            *((name, _TEXT) for name in ("exif", "context", "colors", "blur", "pHash", "checksum", "etag")),
            *((name, _TEXT) for name in ("lastModified", "reason", "sourceReason")),
            ("retryable", pa.bool_()),
            *((name, _TIME) for name in ("createdAt", "updatedAt", "checkedAt")),
        ]
    ),
    Kind.THUMBS: pa.schema(
        [
            *((name, _TEXT) for name in ("media", "liipCode", "marking", "url", "mimeType", "recipe", "reason")),
            *((name, _INT) for name in ("size", "w", "h")),
            ("updatedAt", _TIME),
        ]
    ),
}


def pack(spool: Spool, kinds: tuple[Kind, ...], dest: Path, form: Format) -> None:
    """`dest` appears whole, then the spool goes. Killed before that, the next export packs again."""
    if dest.suffix == ".parquet":
        _to_parquet(spool.folder / kinds[0].file, kinds[0], dest)
    elif form == Format.PARQUET:
        for kind in kinds:
            _to_parquet(spool.folder / kind.file, kind, spool.folder / f"{kind}.parquet")
        _to_folder(spool, dest, [f"{kind}.parquet" for kind in kinds])
    elif dest.suffix == ".zip":
        _to_zip(spool, kinds, dest)
    else:
        _sign(spool, spool.folder / SIGN)
        _to_folder(spool, dest, [SIGN, *(kind.file for kind in kinds)])
    shutil.rmtree(spool.folder, ignore_errors=True)


def _to_folder(spool: Spool, dest: Path, names: list[str]) -> None:
    for leftover in spool.folder.iterdir():
        if leftover.name not in {*names, CURSOR}:
            leftover.unlink()
    if dest.exists():
        dest.rmdir()  # empty, or there would be no export to it
    spool.folder.rename(dest)
    (dest / CURSOR).unlink()


def _to_zip(spool: Spool, kinds: tuple[Kind, ...], dest: Path) -> None:
    _sign(spool, spool.folder / SIGN)
    with whole_file(dest) as partial:
        partial.touch(mode=0o600)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in (SIGN, *(kind.file for kind in kinds)):
                packed.write(spool.folder / name, name)
        flush_to_disk(partial)


def _to_parquet(lines: Path, kind: Kind, dest: Path) -> None:
    schema = SCHEMAS[kind]
    with whole_file(dest) as partial, lines.open("rb") as file:
        partial.touch(mode=0o600)
        with pq.ParquetWriter(partial, schema) as writer:
            while group := [_flat(json.loads(line)) for line in islice(file, ROWS_IN_GROUP)]:
                writer.write_table(_table(group, schema))
        flush_to_disk(partial)


def _table(group: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    # As objects: pandas would make floats of whole numbers where one is missing, and round those above 2**53.
    frame = pd.DataFrame(group, columns=schema.names, dtype=object)
    for field in schema:
        if pa.types.is_timestamp(field.type):
            frame[field.name] = pd.to_datetime(frame[field.name], utc=True, format="ISO8601")
    return pa.Table.from_pandas(frame, schema=schema, preserve_index=False)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
        for name, value in row.items()
    }


def _sign(spool: Spool, place: Path) -> None:
    rows = {kind: entry["rows"] for kind, entry in spool.state["kinds"].items()}
    sign = {"format": FORMAT, "version": VERSION, "exportedAt": spool.state["started"], "rows": rows}
    place.write_text(json.dumps(sign, indent=2) + "\n")
