"""No path ever leaves its storage."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sais.errors import StorageError
from sais.storage import checked_path, open_storage

BAD = ["", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "a//b", "a/", ".", "./a", "a\\b", "..\\x"]
BAD += ["a\0b", "a\nb", "a\x7f", "\ud800", "a/.sais-x.part", "x" * 256, "ü" * 128, "a/" * 500 + "a"]
SEGMENTS = st.sampled_from(["..", ".", "", "a", "b.png", "\\", "\0", "~", "%2e%2e", "。。", " ", "..."])


@pytest.mark.parametrize("path", BAD)
async def test_bad_paths_are_refused_by_every_door(path: str, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    async with open_storage((tmp_path / "storage").as_uri()) as storage:
        for door in (
            lambda: storage.write(path, b"x", "image/png"),
            lambda: storage.write_file(path, tmp_path / "source", "image/png"),
            lambda: storage.read(path),
            lambda: storage.read_to(path, tmp_path / "out"),
            lambda: storage.size(path),
            lambda: storage.delete(path),
            lambda: storage.presign(path, 60),
        ):
            with pytest.raises(StorageError, match="refused path"):
                await door()
        with pytest.raises(StorageError, match="refused path"):
            storage.local_path(path)


async def test_bad_paths_are_refused_by_s3_before_any_request() -> None:
    async with open_storage("s3://bucket/prefix", {"key": "k", "secret": "s"}) as storage:
        for path in BAD:
            with pytest.raises(StorageError, match="refused path"):
                await storage.read(path)
            with pytest.raises(StorageError, match="refused path"):
                storage.local_path(path)


@pytest.mark.parametrize("prefix", ["..", "../", "/", "/etc", "a//", "a/../.."])
async def test_bad_prefixes_are_refused(prefix: str, tmp_path: Path) -> None:
    async with open_storage(tmp_path.as_uri()) as storage:
        with pytest.raises(StorageError, match="refused path"):
            _ = [entry async for entry in storage.list(prefix)]


@given(st.one_of(st.text(), st.lists(SEGMENTS, max_size=6).map("/".join)))
def test_a_path_is_refused_or_stays_inside(path: str) -> None:
    root = Path("/srv/storage")
    try:
        checked = checked_path(path)
    except StorageError:
        return
    assert checked == path
    assert (root / path).resolve().is_relative_to(root)
    assert (root / path).resolve() != root


@given(st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join))
def test_whatever_is_written_is_inside_the_folder(path: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        outer = Path(name)

        async def write() -> None:
            async with open_storage((outer / "storage").as_uri()) as storage:
                await storage.write(path, b"x", "image/png")

        try:
            asyncio.run(write())
        except StorageError:
            assert not list((outer / "storage").rglob("*"))
        assert [entry.name for entry in outer.iterdir()] == ["storage"]


async def test_symbolic_links_do_not_lead_out(tmp_path: Path) -> None:
    root, outside = tmp_path / "storage", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    async with open_storage(root.as_uri()) as storage:
        for path in ("folder/secret", "file"):
            with pytest.raises(StorageError, match="symbolic link"):
                await storage.read(path)
            with pytest.raises(StorageError, match="symbolic link"):
                await storage.write(path, b"changed", "text/plain")
            with pytest.raises(StorageError, match="symbolic link"):
                await storage.delete(path)
        with pytest.raises(StorageError, match="symbolic link"):
            _ = [entry async for entry in storage.list("folder")]
        assert [entry async for entry in storage.list()] == []
    assert (outside / "secret").read_text() == "secret"


async def test_the_storage_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "storage").symlink_to(tmp_path / "disk")
    async with open_storage((tmp_path / "storage").as_uri()) as storage:
        await storage.write("a.png", b"x", "image/png")
        assert await storage.read("a.png") == b"x"
    assert (tmp_path / "disk" / "a.png").read_bytes() == b"x"
