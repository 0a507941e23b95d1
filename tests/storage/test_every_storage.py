"""What every storage promises, asked of a local folder and of a real S3 server alike."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sais.errors import FileMissing, StorageError
from sais.storage import Entry, LocalFile, Storage, open_storage

LARGE = 2 * 8 * 2**20 + 4321  # three parts of an S3 upload


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    if request.param == "folder":
        opening = open_storage((tmp_path / "storage").as_uri())
    else:
        bucket = request.getfixturevalue("bucket")
        opening = open_storage(f"s3://{bucket}/some/prefix", request.getfixturevalue("s3_options"))
    async with opening as opened:
        yield opened


async def listed(storage: Storage, prefix: str = "") -> list[Entry]:
    return sorted([entry async for entry in storage.list(prefix)], key=lambda entry: entry.path)


async def test_what_is_written_is_read(storage: Storage) -> None:
    await storage.write("test/55/b53470c4d6e0576d.png", b"\x89PNG", "image/png")
    assert await storage.read("test/55/b53470c4d6e0576d.png") == b"\x89PNG"
    assert await storage.size("test/55/b53470c4d6e0576d.png") == 4


@pytest.mark.parametrize("path", ["ünï cödé/日本.jpg", "a+b&c=d%20?e#f.png", "*[x]?.gif", "~/.hidden", "a" * 255])
async def test_odd_names_are_plain_names(storage: Storage, path: str) -> None:
    await storage.write(path, b"odd", "image/png")
    assert await storage.read(path) == b"odd"
    assert await listed(storage) == [Entry(path, 3)]


async def test_a_second_write_replaces_the_first(storage: Storage) -> None:
    await storage.write("a.png", b"first, longer", "image/png")
    await storage.write("a.png", b"second", "image/png")
    assert await storage.read("a.png") == b"second"


async def test_an_empty_file_is_a_file(storage: Storage) -> None:
    await storage.write("empty", b"", "application/octet-stream")
    assert await storage.size("empty") == 0
    assert await storage.read("empty") == b""


@pytest.mark.parametrize("size", [0, 10, LARGE])
async def test_files_go_in_and_come_out(storage: Storage, tmp_path: Path, size: int) -> None:
    source, destination = tmp_path / "source", tmp_path / "new folder" / "destination"
    source.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    await storage.write_file("large.tif", source, "image/tiff")
    assert await storage.size("large.tif") == size
    await storage.read_to("large.tif", destination)
    assert destination.read_bytes() == source.read_bytes()
    assert [path.name for path in destination.parent.iterdir()] == ["destination"]


async def test_many_files_go_in_together(storage: Storage, tmp_path: Path) -> None:
    files = [LocalFile(f"a/{number}.png", tmp_path / f"{number}", "image/png") for number in range(20)]
    for number, file in enumerate(files):
        file.source.write_bytes(b"x" * number)
    await storage.write_files(files)
    await storage.write_files(files[:3])
    await storage.flush([file.path for file in files])
    assert {entry.path: entry.size for entry in await listed(storage)} == {f"a/{n}.png": n for n in range(20)}
    assert all(file.source.exists() for file in files)


async def test_one_missing_source_among_many_is_an_error(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"x")
    files = [LocalFile(name, tmp_path / name, "image/png") for name in ("there", "not there")]
    with pytest.raises(StorageError):
        await storage.write_files(files)
    assert await storage.size("not there") is None


async def test_large_bytes_are_written_and_read(storage: Storage) -> None:
    data = b"0123456789abcdef" * (LARGE // 16)
    await storage.write("large.bin", data, "application/octet-stream")
    assert await storage.read("large.bin") == data


async def test_a_missing_file_says_so(storage: Storage, tmp_path: Path) -> None:
    await storage.write("folder/file", b"x", "text/plain")
    for path in ("nothing", "folder", "folder/file/below"):
        assert await storage.size(path) is None
        with pytest.raises(FileMissing, match=path):
            await storage.read(path)
        with pytest.raises(FileMissing, match=path):
            await storage.read_to(path, tmp_path / "out" / "file")
    assert not list((tmp_path / "out").glob("*"))


async def test_delete_twice(storage: Storage) -> None:
    await storage.write("a/b.png", b"x", "image/png")
    await storage.delete("a/b.png")
    await storage.delete("a/b.png")
    await storage.delete("a/b.png/c")
    assert await listed(storage) == []


async def test_a_missing_source_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        await storage.write_file("a.png", tmp_path / "not there", "image/png")
    assert not isinstance(caught.value, FileMissing)
    assert await listed(storage) == []


async def test_listing_a_folder_gives_what_is_below_it(storage: Storage) -> None:
    for path in ("test/55/a.png", "test/55/deep/er/b.png", "test/551/c.png", "other/d.png"):
        await storage.write(path, b"12345", "image/png")
    assert await listed(storage, "test/55") == [Entry("test/55/a.png", 5), Entry("test/55/deep/er/b.png", 5)]
    assert await listed(storage, "test/55/") == await listed(storage, "test/55")
    assert len(await listed(storage)) == 4
    assert await listed(storage, "nothing/here") == []
    assert await listed(storage, "other/d.png") == []


async def test_listing_goes_on_over_pages(storage: Storage) -> None:
    paths = [f"test/{number % 8}/{number:04}" for number in range(2500)]
    at_once = asyncio.Semaphore(32)

    async def write(path: str) -> None:
        async with at_once:
            await storage.write(path, b"x", "text/plain")

    await asyncio.gather(*map(write, paths))
    assert [entry.path for entry in await listed(storage)] == sorted(paths)


async def test_readers_see_one_whole_version(storage: Storage) -> None:
    versions = [bytes([number]) * 300_000 for number in range(12)]
    await storage.write("a.png", versions[0], "image/png")

    async def read_often() -> list[bytes]:
        return [await storage.read("a.png") for _ in range(30)]

    async def write_all() -> None:
        for version in versions:
            await storage.write("a.png", version, "image/png")

    seen, *_ = await asyncio.gather(read_often(), write_all())
    assert all(data in versions for data in seen)


async def test_thirty_two_at_once(storage: Storage) -> None:
    async def round_trip(number: int) -> bool:
        data = bytes([number]) * 1000
        await storage.write(f"new/{number}.png", data, "image/png")
        return await storage.read(f"new/{number}.png") == data

    assert all(await asyncio.gather(*map(round_trip, range(32))))
