"""What cannot be read is told in words that help."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from sais.errors import EmptyBatch, ManifestError
from sais.manifests import read_manifest

GOOD = b"url,title\n" + b"https://a/1,one\n" * 20_000
PACKED = gzip.compress(GOOD)
BAD = {
    "cut.csv.gz": (PACKED[: len(PACKED) // 2], "ended before"),
    "broken.csv.gz": (PACKED[:200] + b"\0" * 50 + PACKED[250:], "decompress|CRC"),
    "named.csv.gz": (GOOD, "Not a gzipped file"),
    "broken.parquet": (b"PAR1 and then nothing of use PAR1", "(?i)parquet|thrift"),
    "text.parquet": (GOOD, "(?i)parquet"),
    "sheet.xlsx": (b"PK\x03\x04 and so on", "save it as CSV"),
    "broken.jsonl": (b'{"url": "https://a/1"}\n\n{"url": \n', "line 3 .* not JSON"),
    "array.jsonl": (b'["https://a/1"]\n', "line 1 .* neither an object"),
    "deep.jsonl": (b'{"a":' * 100_000, "cannot read|not JSON"),
    "latin.csv": (b"url,title\nhttps://a/1,ok\nhttps://a/2,caf\xe9\n", "line 3 is not UTF-8"),
    "late.csv": (GOOD + b"https://a/2,caf\xe9\n", "line 20002 is not UTF-8"),
    "latin.jsonl": (b'{"url": "https://a/caf\xe9"}\n', "line 1 is not UTF-8"),
    "half.csv": ("url\nhttps://a".encode("utf-16")[:-1], "the file is not UTF-16-LE"),
    "long.csv": (b"url,title\nhttps://a/1,one\nhttps://a/2,two,three\n", "line 3"),
    "shifted.csv": (b"url,title\nhttps://a/1,one,two\nhttps://a/2,two,three\n", "more cells than its first line"),
    "quote.csv": (b'url,title\n"https://a/1,one\n' + b"https://a/2,two\n" * 3, "EOF inside string"),
    "bomb.csv.gz": (gzip.compress(b"url\n" + b"x" * 11_000_000), "a line of more than"),
    "headless.csv": (b"https://a/1.jpg,one\nhttps://a/2.jpg,two\n", "line of column names"),
    "quoted.csv": (b'"https://a/1","one"\n', "line of column names"),
    "tabs.txt": (b"https://a/1\tone\n", "line of column names"),
}
EMPTY = {
    "nothing.csv": b"",
    "blank.csv": b"\n\n \n",
    "header.csv": b"url,title\n",
    "nothing.csv.gz": gzip.compress(b""),
    "zero.gz": b"",
    "comments.txt": b"# one\n\n# two\n",
    "blank.jsonl": b"\n",
    "bom.csv": b"\xef\xbb\xbf",
    "nothing.parquet": pd.DataFrame({"url": []}).to_parquet(None),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_says_why(name: str, tmp_path: Path) -> None:
    data, words = BAD[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ManifestError, match=words) as caught:
        list(read_manifest(tmp_path / name))
    assert caught.value.field == "manifest"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", EMPTY)
def test_a_manifest_without_a_row_is_an_empty_batch(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(EMPTY[name])
    with pytest.raises(EmptyBatch, match=name) as caught:
        list(read_manifest(tmp_path / name))
    assert caught.value.field == "manifest"


@pytest.mark.parametrize("source", ["nothing.csv", "file:///nothing/here.csv", "/nothing/here.parquet"])
def test_a_missing_file_is_told(source: str) -> None:
    with pytest.raises(ManifestError, match=rf"there is no manifest .*{source}"):
        next(read_manifest(source))


@pytest.mark.parametrize("source", ["https://a.example/m.csv", "ftp://a/m.csv"])
def test_other_sources_are_refused(source: str) -> None:
    with pytest.raises(ManifestError, match=r"a path, file:// or s3://"):
        next(read_manifest(source))


def test_a_folder_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot read the manifest"):
        next(read_manifest(tmp_path))


def test_the_rows_before_a_broken_line_have_been_given(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(b'{"url": "https://a/1"}\n' * 10 + b"broken\n")
    pieces = read_manifest(tmp_path / "m.jsonl", piece_rows=5)
    assert [len(next(pieces)), len(next(pieces))] == [5, 5]
    with pytest.raises(ManifestError, match="line 11"):
        next(pieces)
