"""Every format, plain and gzipped, gives the same rows."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from sais.manifests import ManifestRow, read_manifest

Row = dict[str, str]
ROWS: list[Row] = [
    {"url": "https://a.example/1,2/full.jpg", "title": "plain", "no": "007"},
    {"url": "https://a.example/2.jpg?x=1&y=2", "title": 'with, comma and "quotes"', "no": "1e5"},
    {"url": "https://a.example/3.jpg", "title": "two\nlines", "no": "NA"},
    {"url": "", "title": "ünï — 日本", "no": "null"},
    {"url": "https://a.example/1,2/full.jpg", "title": "plain", "no": "007"},
]
EXPECTED = [ManifestRow(row["url"], {"title": row["title"], "no": row["no"]}) for row in ROWS]


def csv_bytes(rows: list[Row], separator: str = ",") -> bytes:
    return pd.DataFrame(rows).to_csv(index=False, sep=separator).encode()


def json_lines(rows: list[Row]) -> bytes:
    return "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def parquet_bytes(rows: list[Row]) -> bytes:
    return pd.DataFrame(rows).to_parquet(None, row_group_size=2)


FORMATS: dict[str, Callable[[list[Row]], bytes]] = {
    ".csv": csv_bytes,
    ".CSV": csv_bytes,
    ".csv (semicolons)": lambda rows: csv_bytes(rows, ";"),
    ".csv (bars)": lambda rows: csv_bytes(rows, "|"),
    ".tsv": lambda rows: csv_bytes(rows, "\t"),
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".parquet": parquet_bytes,
    "": csv_bytes,
    " (lines)": json_lines,
    " (binary)": parquet_bytes,
}


def read(path: Path, piece_rows: int = 2) -> list[ManifestRow]:
    pieces = list(read_manifest(path, piece_rows=piece_rows))
    assert all(0 < len(piece) <= piece_rows for piece in pieces)
    return [row for piece in pieces for row in piece]


@pytest.mark.parametrize("packed", ["", ".gz", "gzip without a name"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_rows(name: str, packed: str, tmp_path: Path) -> None:
    data = FORMATS[name](ROWS)
    path = tmp_path / f"manifest{name.partition(' ')[0]}{'.gz' if packed == '.gz' else ''}"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert read(path) == EXPECTED


@pytest.mark.parametrize("name", ["urls.txt", "urls.list", "urls", "urls.csv", "urls.tsv"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_list_of_urls(name: str, packed: bool, tmp_path: Path) -> None:
    text = "\n".join(
        ["", "https://a.example/full/200,/0/1", "# a comment", "  https://a.example/a b.jpg ", '"https://q"']
    )
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert [row.url for row in read(tmp_path / name)] == [
        *("https://a.example/full/200,/0/1", "https://a.example/a b.jpg", "https://q")
    ]


def test_a_list_may_start_with_anything_when_its_name_says_list(tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("object-17\nhttps://a.example/1.jpg\n")
    assert [row.url for row in read(tmp_path / "urls.txt")] == ["object-17", "https://a.example/1.jpg"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, ends: str, tmp_path: Path) -> None:
    text = ends.join(["URL,título", "https://a.example/é.jpg,ñ", ""])
    data = b"\xff\xfe" + text.encode("utf-16-le") if encoding == "utf-16-le-bom" else text.encode(encoding)
    (tmp_path / "m.csv").write_bytes(data)
    assert read(tmp_path / "m.csv") == [ManifestRow("https://a.example/é.jpg", {"título": "ñ"})]


def test_ten_thousand_duplicates_are_ten_thousand_rows(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("url\n" + "https://a.example/1.jpg\n" * 10_000)
    pieces = list(read_manifest(tmp_path / "m.csv"))
    assert [len(piece) for piece in pieces] == [2000] * 5
    assert {row.url for piece in pieces for row in piece} == {"https://a.example/1.jpg"}


def test_json_keeps_its_types(tmp_path: Path) -> None:
    lines = ['{"url": "https://a/1", "objId": 7, "deep": {"a": [1, null]}}', '{"url": "https://a/2", "ok": true}']
    (tmp_path / "m.jsonl").write_text("\n".join([*lines, '"https://a/3"', '{"title": "no url", "x": NaN}']))
    assert read(tmp_path / "m.jsonl") == [
        ManifestRow("https://a/1", {"objId": 7, "deep": {"a": [1, None]}}),
        ManifestRow("https://a/2", {"ok": True}),
        ManifestRow("https://a/3"),
        ManifestRow("", {"title": "no url"}),
    ]


def test_parquet_values_become_json_and_embedded_images_are_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "URL": ["https://a/1", None],
            "image": [{"bytes": b"x", "path": "p"}, None],
            "raw": [b"\xff", b"\xfe"],
            "made": [datetime(2024, 5, 1, tzinfo=UTC), None],
            "n": pd.array([3, None], dtype="Int64"),
            "score": [0.5, float("nan")],
            "tags": [["a", "b"], []],
        }
    )
    frame.to_parquet(tmp_path / "m.parquet")
    assert read(tmp_path / "m.parquet") == [
        ManifestRow("https://a/1", {"made": "2024-05-01T00:00:00+00:00", "n": 3, "score": 0.5, "tags": ["a", "b"]}),
        ManifestRow("", {"tags": []}),
    ]
