"""The predecessor's own export: its keys, its paths, its mistakes."""

from typing import Any

import pytest
from sqlalchemy import Engine, select

from sais.accounts import authenticate
from sais.addressing import code_of
from sais.catalog.accounts import get_account
from sais.catalog.bulk import table_of
from sais.catalog.database import reading
from sais.catalog.media import find_media, find_thumbs
from sais.catalog.stale import count_stale
from sais.transfer import Kind
from sais_models import DEFAULT_PRESETS, Layout, Media, MediaMarking, ThumbMarking
from tests.transfer.conftest import Write, import_all, run_import

URL = "https://cdn.dummyjson.com/products/images/beauty/Powder%20Canister/1.png"
CODE = "b53470c4d6e0576d"
USER: dict[str, Any] = {
    "id": "test",
    "code": "test",
    "approxImageCount": 5000,
    "binCount": 64,
    "mediaCallbackUrl": "https://museum.example/handle_media",
    "thumbCallbackUrl": None,
    "apiKey": "a key of the predecessor",
    "roles": ["ROLE_USER"],
}
MEDIA: dict[str, Any] = {
    "code": CODE,
    "marking": "resized",
    "root": "test",
    "path": "test/b5/34/70c4d6e0576d.png",
    "originalUrl": URL,
    "mimeType": "image/png",
    "size": 1234567,
    "statusCode": 200,
    "originalWidth": 800,
    "originalHeight": 600,
    "ext": "png",
    "exif": [],
    "context": [],
    "blur": "EgiCBQAiiHZ3mIqlCAeFhmA3CKd2iHGciA",
    "resized": {"tiny": 1338},
    "userCode": "test",
    "createdAt": "2025-06-01T12:00:00+00:00",
    "updatedAt": "2025-06-02T12:00:00+02:00",
}
THUMB: dict[str, Any] = {
    "id": 17,
    "media": CODE,
    "liipCode": "tiny",
    "size": 1338,
    "w": 64,
    "h": 48,
    "url": "https://sais.wip/media/cache/tiny/test/b5/34/70c4d6e0576d.png",
    "marking": "done",
}


def test_codes_paths_and_facts_come_over_as_they_are(empty: Engine, write: Write) -> None:
    importing = run_import(empty, write(users=[USER], media=[MEDIA], thumbs=[THUMB]))
    assert importing.tally.bad == []
    assert importing.tally.ignored == {"accounts.roles": 1}
    with reading(empty) as connection:
        account = get_account(connection, "test")
        media = find_media(connection, [CODE])[CODE]
        (thumb,) = find_thumbs(connection, [CODE])[CODE]
        stale = count_stale(connection, DEFAULT_PRESETS)
        assert authenticate(connection, "test", importing.new_keys["test"])
    assert (account.approx, account.layout, account.media_callback_url) == (
        5000,
        Layout.HEX22,
        "https://museum.example/handle_media",
    )
    assert (media.path, media.url, media.size) == ("test/b5/34/70c4d6e0576d.png", URL, 1234567)
    assert (media.context, media.exif, media.updated_at.hour) == ({}, None, 10)
    assert (thumb.marking, thumb.width, thumb.height, thumb.mime_type) == (ThumbMarking.DONE, 64, 48, "image/png")
    assert [count.thumbs for count in stale] == [1], "another recipe made it"


def test_its_keys_are_taken_over_with_secrets(empty: Engine, write: Write) -> None:
    importing = run_import(empty, write(users=[USER]), with_secrets=True)
    assert importing.new_keys == {}
    with reading(empty) as connection:
        assert authenticate(connection, "test", "a key of the predecessor").root == "test"


@pytest.mark.parametrize(
    ("path", "layout"),
    [
        ("test/55/b53470c4d6e0576d.png", Layout.OCTAL2),
        ("test/552/b53470c4d6e0576d.png", Layout.OCTAL3),
        ("test/b5/34/70c4d6e0576d.png", Layout.HEX22),
        ("test/somewhere/else.png", Layout.OCTAL2),
    ],
)
def test_the_layout_is_what_the_paths_tell(empty: Engine, write: Write, path: str, layout: Layout) -> None:
    foreign = MEDIA | {"root": "other", "userCode": "other", "path": "other/552/x.png"}
    import_all(empty, write(users=[USER], media=["nonsense", foreign, MEDIA | {"path": path}]))
    with reading(empty) as connection:
        assert get_account(connection, "test").layout == layout
        assert find_media(connection, [CODE])[CODE].path == path


def test_missing_keys_are_no_trouble(empty: Engine, write: Write) -> None:
    line = {"code": CODE, "originalUrl": URL, "userCode": "test"}
    assert import_all(empty, write(users=[{"root": "test"}], media=[line])).bad == []
    with reading(empty) as connection:
        assert find_media(connection, [CODE])[CODE].marking == MediaMarking.NEW


def test_downloaded_is_new_again_because_no_local_file_moves(empty: Engine, write: Write) -> None:
    import_all(empty, write(users=[USER], media=[MEDIA | {"marking": "downloaded"}]))
    with reading(empty) as connection:
        media = find_media(connection, [CODE])[CODE]
    assert (media.marking, media.path) == (MediaMarking.NEW, MEDIA["path"])


BAD = {
    "{": "not JSON",
    "[1]": "not a JSON object",
    '{"code": "b53470c4d6e0576d", "context": NaN}': "not JSON",
    '{"code": 1' + "0" * 5000 + "}": "not JSON",
    "[" * 200_000: "not JSON",
}
CHANGED: list[tuple[dict[str, Any], str]] = [
    ({"code": None}, "code: Input should be a valid string"),
    ({"marking": "flying"}, "marking: "),
    ({"originalUrl": URL + "x"}, "code is not of this originalUrl and root"),
    ({"root": "gallery", "userCode": "gallery"}, "code is not of this originalUrl and root"),
    ({"userCode": "gallery"}, "root and userCode are not the same account"),
    ({"path": "test/../../etc/passwd"}, "path is no plain relative path"),
    ({"path": "/etc/passwd"}, "path is no plain relative path"),
    ({"path": "gallery/55/b53470c4d6e0576d.png"}, "path is not below the account's root"),
    ({"size": -1}, "size: "),
    ({"size": 2**70}, "size: "),
    ({"originalWidth": 2**40}, "originalWidth: "),
    ({"context": {"a": "\0"}}, "a NUL character"),
    ({"context": {"a": "\ud800"}}, "half a surrogate pair"),
    ({"createdAt": "yesterday"}, "createdAt: "),
]


def test_bad_lines_are_told_by_number_and_stop_nothing(empty: Engine, write: Write) -> None:
    bad = [*((line, words) for line, words in BAD.items()), *((MEDIA | change, words) for change, words in CHANGED)]
    tally = import_all(empty, write(users=[USER], media=[*(line for line, _ in bad), "", MEDIA]))
    assert [found["line"] for found in tally.bad] == list(range(1, len(bad) + 1))
    for found, (_, words) in zip(tally.bad, bad, strict=True):
        assert words in found["problem"]
    assert tally.sums[Kind.MEDIA] == {"read": len(bad) + 1, "bad": len(bad), "added": 1}
    with reading(empty) as connection:
        assert list(connection.execute(select(table_of(Media).c.code)).scalars()) == [CODE]


def test_rows_of_nobody_are_bad(empty: Engine, write: Write) -> None:
    other = {"code": code_of(URL, "gallery"), "originalUrl": URL, "root": "gallery"}
    lost = THUMB | {"media": "0123456789abcdef"}
    tally = import_all(empty, write(users=[USER, {"root": "No Root"}], media=[other, MEDIA], thumbs=[lost, THUMB]))
    assert [(bad["kind"], bad["line"]) for bad in tally.bad] == [("accounts", 2), ("media", 1), ("thumbs", 1)]
    assert [bad["problem"] for bad in tally.bad[1:]] == ["its account is not here", "its media is not here"]


def test_a_callback_that_could_never_be_called_is_left_out_and_told(empty: Engine, write: Write) -> None:
    tally = import_all(empty, write(users=[USER | {"mediaCallbackUrl": "http://127.0.0.1/hook"}]))
    assert tally.ignored["accounts.mediaCallbackUrl (refused address)"] == 1
    with reading(empty) as connection:
        assert get_account(connection, "test").media_callback_url is None
