"""What is exported and imported into an empty database is the same, row for row."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import Engine

from sais.accounts import authenticate, set_up_account
from sais.addressing import code_of
from sais.catalog.bulk import insert_new, new_row
from sais.catalog.database import open_database, reading, writing
from sais.catalog.presets import publish_presets
from sais.errors import InputError, Unauthorized
from sais.fetching import Guard
from sais.transfer import ExportOrder, Format, Kind, count_rows
from sais_models import DEFAULT_PRESETS, Media, MediaMarking, PresetSettings, Thumb, ThumbMarking
from sais_models.wire import AccountSetup
from tests.support.rows import everything, fill, table_rows
from tests.transfer.conftest import PUBLIC, export_all, import_all, run_import

SECRETS = ("key_hash", "webhook_secret")


@pytest.mark.parametrize("name", ["export", "export.zip"])
def test_the_copy_is_equal(engine: Engine, empty: Engine, tmp_path: Path, name: str) -> None:
    with writing(engine) as connection:
        fill(connection, "museum", 7_000, presets=("small", "tiny"))
        publish_presets(connection, DEFAULT_PRESETS)
        publish_presets(connection, [PresetSettings(name="small", width=100, height=100)])
    rows = export_all(engine, tmp_path / name)
    assert rows == {"accounts": 1, "presets": 5, "media": 7_000, "thumbs": 14_000}
    assert not (tmp_path / f"{name}.partial").exists()
    tally = import_all(empty, tmp_path / name)
    assert (tally.refused, tally.ignored) == (0, {})
    assert everything(empty, without=SECRETS) == everything(engine, without=SECRETS)
    again = import_all(empty, tmp_path / name)
    assert {kind.value: sums["added"] + sums["updated"] for kind, sums in again.sums.items()} == dict.fromkeys(Kind, 0)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
times = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
# `downloaded` promises a local file, which no export moves: it comes back as `new`, and has a test of its own.
markings = st.sampled_from([marking for marking in MediaMarking if marking != MediaMarking.DOWNLOADED])
media_rows = st.fixed_dictionaries(
    {
        "url": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40),
        "marking": markings,
        "reason": st.none() | texts,
        "retryable": st.booleans(),
        "attempts": st.integers(0, 100),
        "retries": st.integers(0, 5),
        "status_code": st.none() | st.integers(0, 999),
        "size": st.none() | st.integers(0, 2**60),
        "blurhash": st.none() | texts,
        "etag": st.none() | texts,
        "colors": st.none() | st.lists(texts, max_size=3),
        "exif": st.none() | st.dictionaries(texts, values, max_size=3),
        "context": st.dictionaries(texts, values, max_size=3),
        "created_at": times,
        "updated_at": times,
    }
)


@examples(max_examples=25)
@given(st.lists(media_rows, max_size=5, unique_by=lambda row: str(row["url"])))
def test_whatever_the_rows_hold(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    place = tmp_path_factory.mktemp("trip")
    source, copy = (open_database(f"sqlite:///{place}/{name}.db") for name in ("source", "copy"))
    codes = [code_of(row["url"], "museum") for row in rows]
    with writing(source) as connection:
        set_up_account(connection, AccountSetup(root="museum"), guard=Guard(), key=None)
        media = [new_row(Media, code=code, root="museum", **row) for code, row in zip(codes, rows, strict=True)]
        thumbs = [
            new_row(Thumb, code=code, preset="small", marking=ThumbMarking.FAILED, reason="corrupt") for code in codes
        ]
        # An export holds what was there when it began.
        insert_new(connection, Media, [row for row in media if row["created_at"] < datetime.now(UTC)])
        insert_new(
            connection, Thumb, [t for t, m in zip(thumbs, media, strict=True) if m["created_at"] < datetime.now(UTC)]
        )
    export_all(source, place / "export")
    assert import_all(copy, place / "export").bad == []
    assert everything(copy, without=SECRETS) == everything(source, without=SECRETS)
    for engine in (source, copy):
        engine.dispose()


def test_secrets_travel_only_when_they_are_told_to(engine: Engine, empty: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        gallery = set_up_account(connection, AccountSetup(root="gallery"), guard=Guard(), key=None)
    export_all(engine, tmp_path / "plain")
    export_all(engine, tmp_path / "secret", with_secrets=True)
    assert "whsec_" not in (tmp_path / "plain" / "accounts.ndjson").read_text()
    assert gallery.api_key
    assert gallery.api_key not in (tmp_path / "secret" / "accounts.ndjson").read_text()
    assert (tmp_path / "secret" / "accounts.ndjson").stat().st_mode & 0o077 == 0
    importing = run_import(empty, tmp_path / "secret", roots=("museum",))
    with reading(empty) as connection:
        assert authenticate(connection, "museum", importing.new_keys["museum"]).root == "museum"
    assert run_import(empty, tmp_path / "secret", with_secrets=True).new_keys == {}
    with reading(empty) as connection:
        assert authenticate(connection, "gallery", gallery.api_key).webhook_secret == gallery.webhook_secret
        with pytest.raises(Unauthorized):
            authenticate(connection, "museum", gallery.api_key)


def test_only_some_accounts_and_kinds(engine: Engine, empty: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        set_up_account(connection, AccountSetup(root="gallery"), guard=Guard(), key=None)
        fill(connection, "museum", 3)
        fill(connection, "gallery", 2)
    order = ExportOrder(tmp_path / "x", roots=("gallery",))
    assert count_rows(engine, order) == {"accounts": 1, "presets": 0, "media": 2, "thumbs": 2}
    export_all(engine, tmp_path / "all")
    tally = import_all(empty, tmp_path / "all", roots=("gallery",), kinds=(Kind.ACCOUNTS, Kind.MEDIA))
    assert tally.sums[Kind.MEDIA] == {"read": 5, "added": 2, "left_out": 3}
    assert (table_rows(empty, Media), table_rows(empty, Thumb)) == (2, 0)


def test_a_dry_run_counts_and_writes_nothing(engine: Engine, empty: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        fill(connection, "museum", 3)
    export_all(engine, tmp_path / "all")
    before = everything(empty)
    tally = import_all(empty, tmp_path / "all", dry_run=True)
    assert {kind.value: sums["added"] for kind, sums in tally.sums.items()} == {
        "accounts": 1,
        "presets": 0,
        "media": 3,
        "thumbs": 3,
    }
    assert everything(empty) == before


def test_parquet_for_analysis(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        fill(connection, "museum", 12_000)
    order = ExportOrder.of(str(tmp_path / "media.parquet"), [], [])
    export_all(engine, order.dest, kinds=order.kinds, form=order.form)
    assert pq.ParquetFile(order.dest).num_row_groups == 2
    frame = pd.read_parquet(order.dest)
    assert len(frame) == 12_000
    assert frame["size"].max() == 3_000_011_999
    assert json.loads(frame["context"].iloc[0])["objId"] in range(12_000)
    assert str(frame["createdAt"].dt.tz) == "UTC"
    export_all(engine, tmp_path / "all", form=Format.PARQUET)
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [f"{kind}.parquet" for kind in sorted(Kind)]
    assert pd.read_parquet(tmp_path / "all" / "accounts.parquet")["root"].tolist() == ["museum"]


def test_thumbs_have_their_public_address(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        fill(connection, "museum", 1)
    export_all(engine, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        thumb = json.loads(packed.read("thumbs.ndjson"))
        media = json.loads(packed.read("media.ndjson"))
    assert thumb["url"] == f"{PUBLIC}/media/cache/small/{media['path']}"
    assert media["ext"] == "jpg"


@pytest.mark.parametrize(
    ("dest", "only", "form", "words"),
    [
        ("there", [], Format.NDJSON, "is there already"),
        ("a.parquet", ["media", "thumbs"], Format.NDJSON, "one kind"),
        ("a.zip", [], Format.PARQUET, "folder"),
        ("a", ["pictures"], Format.NDJSON, "'pictures' is none of accounts"),
    ],
)
def test_what_cannot_be_exported_is_told(tmp_path: Path, dest: str, only: list[str], form: Format, words: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "something").touch()
    with pytest.raises(InputError, match=words):
        ExportOrder.of(str(tmp_path / dest), [], only, form)
