"""Manifests in S3 and behind file URLs, and memory that does not grow with the manifest."""

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sais.errors import ManifestError, StorageError
from sais.manifests import ManifestRow, read_manifest
from sais.storage import open_storage
from tests.support.s3 import S3Server

TEXT = b"url,title\nhttps://a/1,one\n"
ROW = ManifestRow("https://a/1", {"title": "one"})


def test_a_file_url_with_a_space(tmp_path: Path) -> None:
    (tmp_path / "my list.csv").write_bytes(TEXT)
    assert list(read_manifest((tmp_path / "my list.csv").as_uri())) == [[ROW]]


@pytest.mark.s3
async def test_manifests_in_s3(bucket: str, s3_options: dict[str, Any]) -> None:
    parquet = pd.DataFrame([{"url": "https://a/1", "title": "one"}]).to_parquet(None)
    files = {"m.csv": TEXT, "m.csv.gz": gzip.compress(TEXT), "m.parquet": parquet}
    async with open_storage(f"s3://{bucket}", s3_options) as storage:
        for name, data in files.items():
            await storage.write(name, data, "application/octet-stream")
    for name in files:
        assert list(read_manifest(f"s3://{bucket}/{name}", options=s3_options)) == [[ROW]]


@pytest.mark.s3
def test_a_manifest_that_is_not_in_s3(bucket: str, s3_options: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match=r"there is no manifest s3://.*/m\.csv"):
        next(read_manifest(f"s3://{bucket}/m.csv", options=s3_options))


@pytest.mark.s3
def test_wrong_credentials_are_a_storage_error(bucket: str, s3_server: S3Server, s3_options: dict[str, Any]) -> None:
    if s3_server.emulator:
        pytest.skip("the emulator accepts any key")
    with pytest.raises(StorageError) as caught:
        next(read_manifest(f"s3://{bucket}/m.csv", options={**s3_options, "secret": "wrong-Sesame99"}))
    assert "Sesame" not in str(caught.value)


@pytest.mark.s3
async def test_a_broken_manifest_in_s3_is_no_storage_error(bucket: str, s3_options: dict[str, Any]) -> None:
    async with open_storage(f"s3://{bucket}", s3_options) as storage:
        await storage.write("m.csv", TEXT + b"https://a/2,caf\xe9\n", "text/csv")
    with pytest.raises(ManifestError, match="line 3 is not UTF-8"):
        next(read_manifest(f"s3://{bucket}/m.csv", options=s3_options))


def peak_of_reading(path: Path, piece_rows: int) -> int:
    tracemalloc.start()
    try:
        for _ in read_manifest(path, piece_rows=piece_rows):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl", ".txt"])
def test_memory_holds_a_piece_and_not_the_manifest(suffix: str, tmp_path: Path) -> None:
    line, header = {
        ".csv": (b"https://a.example/1.jpg,a title\n", b"url,title\n"),
        ".csv.gz": (b"https://a.example/1.jpg,a title\n", b"url,title\n"),
        ".jsonl": (b'{"url": "https://a.example/1.jpg", "title": "a title"}\n', b""),
        ".txt": (b"https://a.example/1.jpg\n", b""),
    }[suffix]
    data, path = header + line * 12_000, tmp_path / f"m{suffix}"
    path.write_bytes(gzip.compress(data, 1) if suffix.endswith(".gz") else data)
    assert peak_of_reading(path, 300) < peak_of_reading(path, 12_000) / 4
