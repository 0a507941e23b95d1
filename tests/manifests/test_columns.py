"""Which column becomes what."""

import json
from pathlib import Path

import pytest

from sais.errors import ManifestError
from sais.manifests import ManifestColumns, ManifestRow, read_manifest


def only_row(path: Path, text: str, columns: ManifestColumns | None = None) -> ManifestRow:
    path.write_text(text)
    [[row]] = read_manifest(path, columns=columns)
    return row


@pytest.mark.parametrize(
    "header", ["url", "URL", " Url ", "image", "image_url", "imageURL", "Image Link", "src", "href", "originalUrl"]
)
def test_names_of_the_url_column(header: str, tmp_path: Path) -> None:
    assert only_row(tmp_path / "m.csv", f"title,{header}\nT, https://a/1 \n") == ManifestRow(
        "https://a/1", {"title": "T"}
    )


def test_the_image_goes_before_the_page(tmp_path: Path) -> None:
    row = only_row(tmp_path / "m.csv", "url,image_url\nhttps://page,https://image\n")
    assert row == ManifestRow("https://image", {"url": "https://page"})


def test_columns_may_be_named(tmp_path: Path) -> None:
    columns = ManifestColumns(url="photo", size="length", context="extra")
    row = only_row(tmp_path / "m.csv", 'url,Photo,length,extra\nx,https://a/1,12,"{""k"": 1}"\n', columns)
    assert row == ManifestRow("https://a/1", {"url": "x", "k": 1}, 12)


@pytest.mark.parametrize("columns", [None, ManifestColumns(url="photo")])
def test_no_url_column_names_what_there_is_and_what_is_wanted(columns: ManifestColumns | None, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"identifier, label.*(image_url.*href|photo)") as caught:
        only_row(tmp_path / "m.csv", "identifier,label\n17,x\n", columns)
    assert caught.value.field == "manifest"


@pytest.mark.parametrize("size", ["120", "120.0", " 120 "])
@pytest.mark.parametrize("name", ["size", "Bytes"])
def test_sizes(name: str, size: str, tmp_path: Path) -> None:
    assert only_row(tmp_path / "m.csv", f"url,{name}\nhttps://a/1,{size}\n") == ManifestRow("https://a/1", {}, 120)


@pytest.mark.parametrize("size", ["XL", "-1", "1.5", "9" * 30, "²"])
def test_a_size_that_is_none_stays_in_the_context(size: str, tmp_path: Path) -> None:
    assert only_row(tmp_path / "m.csv", f"url,size\nhttps://a/1,{size}\n") == ManifestRow("https://a/1", {"size": size})


def test_a_context_column_is_merged_over_the_others(tmp_path: Path) -> None:
    cell = json.dumps({"objId": 7, "title": "better"}).replace('"', '""')
    row = only_row(tmp_path / "m.csv", f'url,title,context\nhttps://a/1,T,"{cell}"\n')
    assert row.context == {"title": "better", "objId": 7}


@pytest.mark.parametrize("cell", ["plain words", "{broken", "[1]"])
def test_a_context_that_is_no_object_is_kept_as_it_is(cell: str, tmp_path: Path) -> None:
    assert only_row(tmp_path / "m.csv", f"url,context\nhttps://a/1,{cell}\n").context == {"context": cell}


def test_what_does_not_fit_into_a_context_is_named(tmp_path: Path) -> None:
    row = only_row(tmp_path / "m.csv", f"url,a,text,z\nhttps://a/1,first,{'x' * 20_000},last\n")
    assert row.context == {"a": "first", "z": "last", "_omitted": ["text"]}
