"""What only a local folder does: hidden partial files, a full disk, paths for sendfile."""

import contextlib
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sais.errors import SettingsError, StorageError
from sais.storage import LocalFile, open_storage


@contextlib.contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """The kernel refuses to write further, in the middle of a file, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_a_full_disk_leaves_no_partial_file(tmp_path: Path) -> None:
    root, source = tmp_path / "storage", tmp_path / "source"
    source.write_bytes(b"x" * 1_000_000)
    async with open_storage(root.as_uri()) as storage:
        await storage.write("a/kept.png", b"old", "image/png")
        with files_end_at(300_000):
            for path in ("a/kept.png", "a/new.png"):
                with pytest.raises(StorageError, match=f"cannot write {path}.*File too large"):
                    await storage.write(path, source.read_bytes(), "image/png")
                with pytest.raises(StorageError, match=f"cannot write {path}.*File too large"):
                    await storage.write_file(path, source, "image/png")
        assert await storage.read("a/kept.png") == b"old"
    assert [path.name for path in (root / "a").iterdir()] == ["kept.png"]


async def test_an_original_and_its_archived_copy_are_one_file_with_two_names(tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "storage"
    source.write_bytes(b"original")
    async with open_storage(root.as_uri()) as storage:
        await storage.write_files([LocalFile("a/b.png", source, "image/png")])
        assert (root / "a/b.png").samefile(source)
        source.unlink()
        assert await storage.read("a/b.png") == b"original"


async def test_where_links_cannot_be_made_files_are_copied(tmp_path: Path) -> None:
    """/dev/shm is a file system of its own."""
    root = tmp_path / "storage"
    with TemporaryDirectory(dir="/dev/shm") as elsewhere:
        source = Path(elsewhere) / "source"
        source.write_bytes(b"original")
        async with open_storage(root.as_uri()) as storage:
            await storage.write_files([LocalFile("a/b.png", source, "image/png")])
    assert (root / "a/b.png").read_bytes() == b"original"
    assert [file.name for file in (root / "a").iterdir()] == ["b.png"]


async def test_reading_to_a_full_disk_leaves_no_partial_file(tmp_path: Path) -> None:
    async with open_storage((tmp_path / "storage").as_uri()) as storage:
        await storage.write("a.png", b"x" * 1_000_000, "image/png")
        with files_end_at(300_000), pytest.raises(StorageError, match=r"cannot read a\.png"):
            await storage.read_to("a.png", tmp_path / "out" / "a.png")
    assert list((tmp_path / "out").iterdir()) == []


async def test_listings_skip_what_a_killed_writer_left(tmp_path: Path) -> None:
    (tmp_path / ".sais-0123456789abcdef.part").write_bytes(b"half")
    async with open_storage(tmp_path.as_uri()) as storage:
        assert [entry async for entry in storage.list()] == []


async def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    async with open_storage(tmp_path.as_uri()) as storage:
        await storage.write("a", b"x", "image/png")
        with pytest.raises(StorageError, match="cannot write a/b"):
            await storage.write("a/b", b"x", "image/png")
        await storage.write("c/d", b"x", "image/png")
        with pytest.raises(StorageError, match="cannot write c in"):
            await storage.write("c", b"x", "image/png")


async def test_a_root_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StorageError, match="cannot open"):
        async with open_storage((tmp_path / "file" / "storage").as_uri()):
            pass


async def test_paths_for_sendfile_and_no_presigned_address(tmp_path: Path) -> None:
    async with open_storage((tmp_path / "with space").as_uri()) as storage:
        await storage.write("a/b.png", b"x", "image/png")
        assert storage.local_path("a/b.png") == tmp_path / "with space" / "a" / "b.png"
        assert await storage.presign("a/b.png", 60) is None


@pytest.mark.parametrize(
    "url", ["", "/var/images", "ftp://host/x", "file://host/x", "file:relative", "s3://", "s3://k:s@bucket/p"]
)
def test_addresses_that_are_no_storage(url: str) -> None:
    with pytest.raises(SettingsError):
        open_storage(url)
