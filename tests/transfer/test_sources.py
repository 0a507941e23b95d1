"""What is no export, or a hostile one."""

import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sais.errors import InputError
from sais.transfer import Kind
from sais.transfer.source import LONGEST_LINE, Source
from tests.transfer.conftest import Write, import_all, run_import


def zipped(place: Path, *files: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files:
            packed.writestr(name, data)
    return place


def test_what_is_not_there_or_no_export_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello")
    zipped(tmp_path / "other.zip", ("readme.txt", b"hello"))
    for name, words in {
        "nowhere": "there is no",
        "empty": "has none of accounts.ndjson",
        "text": "no good zip",
        "other.zip": "has none of accounts.ndjson",
    }.items():
        with pytest.raises(InputError, match=words):
            Source(tmp_path / name)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", ("media.ndjson", b"0" * 50_000_000))
    with pytest.raises(InputError, match="unpacks to 50,000,000 bytes"):
        Source(bomb)


def test_nothing_in_a_zip_is_written_to_the_disk(empty: Engine, tmp_path: Path) -> None:
    names = ("../../escaped.ndjson", "/tmp/escaped.ndjson", "accounts.ndjson", "sub/media.ndjson")
    (tmp_path / "deep" / "down").mkdir(parents=True)
    place = zipped(tmp_path / "deep" / "down" / "evil.zip", *((name, b'{"root": "museum2"}\n') for name in names))
    importing = run_import(empty, place)
    assert importing.source.others == sorted(set(names) - {"accounts.ndjson"})
    assert importing.tally.sums[Kind.ACCOUNTS]["added"] == 1
    assert list(tmp_path.rglob("*.ndjson")) == []
    assert not Path("/tmp/escaped.ndjson").exists()


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        place = zipped(tmp_path / "twice.zip", ("media.ndjson", b"{}\n"), ("media.ndjson", b"{}\n"))
    with pytest.raises(InputError, match="twice"):
        Source(place)


def test_a_torn_zip_is_told_when_it_is_read(empty: Engine, tmp_path: Path) -> None:
    place = zipped(tmp_path / "torn.zip", ("accounts.ndjson", b'{"root": "museum2"}\n' * 50))
    data = bytearray(place.read_bytes())
    data[45:55] = b"\xff" * 10
    place.write_bytes(data)
    with pytest.raises(InputError, match="no good zip"):
        import_all(empty, place)


def test_a_line_without_end_is_one_bad_line(empty: Engine, write: Write) -> None:
    tally = import_all(empty, write(accounts=["x" * (2 * LONGEST_LINE + 5), {"root": "museum2"}]))
    assert [(bad["line"], bad["problem"]) for bad in tally.bad] == [(1, "longer than any row is")]
    assert tally.sums[Kind.ACCOUNTS]["added"] == 1


@pytest.mark.parametrize("sign", ["{", "[]", '{"format": "other", "version": 1}', '{"format": "sais", "version": 2}'])
def test_an_export_of_a_later_version_is_refused(write: Write, sign: str) -> None:
    place = write(accounts=[{"root": "museum"}])
    (place / "sais.json").write_text(sign)
    with pytest.raises(InputError, match=r"sais\.json"):
        Source(place)
