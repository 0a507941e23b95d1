"""What a sync needs of a storage: one level at a time, versions, checksums, moves; of a folder and of a real S3."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import md5
from pathlib import Path

import pytest
import xxhash

from sais.errors import FileMissing, StorageError
from sais.storage import Storage, open_storage
from sais_models.columns import utc_now

LARGE = bytes(range(256)) * 5000


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    if request.param == "folder":
        opening = open_storage((tmp_path / "storage").as_uri())
    else:
        bucket = request.getfixturevalue("bucket")
        opening = open_storage(f"s3://{bucket}/some/prefix", request.getfixturevalue("s3_options"))
    async with opening as opened:
        for path in ("museum/00/a.png", "museum/77/deep/b.png", "museum/loose.png", "other/c.png", "d.png"):
            await opened.write(path, path.encode(), "image/png")
        yield opened


async def test_the_folders_of_a_level(storage: Storage) -> None:
    assert list(await storage.folders()) == ["museum", "other"]
    assert list(await storage.folders("museum")) == ["00", "77"]
    assert list(await storage.folders("museum/00")) == []
    assert list(await storage.folders("nothing")) == []


async def test_the_files_of_a_level(storage: Storage) -> None:
    assert [entry.path async for entry in storage.list("museum", deep=False)] == ["museum/loose.png"]
    assert [entry.path async for entry in storage.list(deep=False)] == ["d.png"]


async def test_a_version_changes_with_the_bytes_and_a_listing_has_the_same(storage: Storage) -> None:
    before = await storage.entry("d.png")
    assert before is not None
    assert before.modified is not None
    assert abs(before.modified - utc_now()) < timedelta(minutes=5)
    (listed,) = [entry async for entry in storage.list(deep=False)]
    assert listed.version == before.version
    await storage.write("d.png", b"other", "image/png")
    after = await storage.entry("d.png")
    assert after is not None
    assert after.version != before.version
    if storage.url.startswith("s3:"):
        assert after.md5 == md5(b"other", usedforsecurity=False).hexdigest()
    else:
        assert after.md5 is None
    assert await storage.entry("nothing.png") is None


async def test_checksums_are_those_of_the_bytes(storage: Storage) -> None:
    await storage.write("large.bin", LARGE, "application/octet-stream")
    assert await storage.checksum("large.bin") == xxhash.xxh3_128_hexdigest(LARGE)
    with pytest.raises(FileMissing):
        await storage.checksum("nothing.png")


async def test_a_file_moves_with_its_bytes(storage: Storage) -> None:
    await storage.move("museum/00/a.png", ".quarantine/2026-01-02/museum/00/a.png")
    assert await storage.entry("museum/00/a.png") is None
    assert await storage.read(".quarantine/2026-01-02/museum/00/a.png") == b"museum/00/a.png"
    with pytest.raises(FileMissing):
        await storage.move("museum/00/a.png", "elsewhere.png")
    with pytest.raises(StorageError):
        await storage.move("d.png", "../d.png")
    assert await storage.read("d.png") == b"d.png"
