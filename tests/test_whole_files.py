"""Files that appear whole, as imaging workers write them."""

from pathlib import Path

import pytest

from sais.whole_files import ASIDE, flush_beneath, write_beneath


def test_folders_are_made_and_files_replaced(tmp_path: Path) -> None:
    write_beneath(str(tmp_path), "small/a/b.jpg", b"first, longer")
    write_beneath(str(tmp_path), "small/a/b.jpg", b"second")
    write_beneath(str(tmp_path), "c.jpg", b"third")
    assert (tmp_path / "small/a/b.jpg").read_bytes() == b"second"
    assert (tmp_path / "c.jpg").read_bytes() == b"third"
    assert [file.name for file in (tmp_path / "small/a").iterdir()] == ["b.jpg"]


@pytest.mark.parametrize("path", ["out/a.jpg", "out/new/a.jpg"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "root beside it"
    root.mkdir()
    outside.mkdir()
    (root / "out").symlink_to(outside)
    with pytest.raises(PermissionError, match="leads out"):
        write_beneath(str(root), path, b"x")
    assert list(outside.iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside.jpg"
    root.mkdir()
    outside.write_bytes(b"outside")
    (root / "a.jpg").symlink_to(outside)
    write_beneath(str(root), "a.jpg", b"inside")
    assert outside.read_bytes() == b"outside"
    assert (root / "a.jpg").read_bytes() == b"inside"


def test_what_cannot_be_renamed_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        write_beneath(str(tmp_path), "a", b"x")
    assert sorted(file.name for file in tmp_path.rglob("*")) == [ASIDE, "a"]


@pytest.mark.parametrize("count", [1, 20])
def test_a_file_that_is_gone_is_told_when_few_are_flushed(tmp_path: Path, count: int) -> None:
    files = [tmp_path / f"{number}.jpg" for number in range(count)]
    for file in files:
        file.write_bytes(b"x")
    flush_beneath(tmp_path, files)
    with pytest.raises(FileNotFoundError):
        flush_beneath(tmp_path / "gone", [tmp_path / "gone" / file.name for file in files])
