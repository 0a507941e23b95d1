import pytest
from httpx import Response
from sqlalchemy import Connection

from sais.catalog.bulk import new_row
from sais.catalog.media import save_thumbs
from sais_models import Thumb, ThumbMarking
from tests.gateway.stage import Stage, url_of

PICTURE = bytes(range(100))


@pytest.fixture
async def address(stage: Stage) -> str:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1), url_of(2)], filters=["small"])
    return "/media/cache/small/" + await stage.finish(url_of(1), PICTURE)


async def ask(stage: Stage, address: str, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await stage.client.get(address, headers=named)


async def test_a_thumb_is_public_and_kept_by_browsers(stage: Stage, address: str) -> None:
    answer = await ask(stage, address)
    assert (answer.status_code, answer.content) == (200, PICTURE)
    # The address ends in .jpg, as the original does; the bytes are WebP, and the header says so.
    assert answer.headers["Content-Type"] == "image/webp"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Last-Modified"].endswith("GMT")
    head = await stage.client.head(address)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "100", b"")


async def test_who_has_it_already_gets_304(stage: Stage, address: str) -> None:
    full = await ask(stage, address)
    etag, modified = full.headers["ETag"], full.headers["Last-Modified"]
    for headers in (
        {"if_none_match": etag},
        {"if_none_match": f'"other", W/{etag}'},
        {"if_none_match": "*"},
        {"if_modified_since": modified},
    ):
        answer = await ask(stage, address, **headers)
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    for headers in (
        {"if_none_match": '"other"'},
        {"if_none_match": '"other"', "if_modified_since": modified},
        {"if_modified_since": "Mon, 01 Jan 2024 00:00:00 GMT"},
        {"if_modified_since": "yesterday"},
    ):
        assert (await ask(stage, address, **headers)).status_code == 200


async def test_a_thumb_made_anew_has_another_etag(stage: Stage, address: str) -> None:
    former = (await ask(stage, address)).headers["ETag"]
    await stage.finish(url_of(1), b"another")
    answer = await ask(stage, address, if_none_match=former)
    assert (answer.status_code, answer.content) == (200, b"another")


@pytest.mark.parametrize(
    ("wanted", "status", "content", "content_range"),
    [
        ("bytes=0-9", 206, PICTURE[:10], "bytes 0-9/100"),
        ("bytes=90-", 206, PICTURE[90:], "bytes 90-99/100"),
        ("bytes=-5", 206, PICTURE[-5:], "bytes 95-99/100"),
        ("bytes=-500", 206, PICTURE, "bytes 0-99/100"),
        ("bytes=50-5000", 206, PICTURE[50:], "bytes 50-99/100"),
        ("bytes=100-", 416, b"", "bytes */100"),
        ("bytes=-0", 416, b"", "bytes */100"),
        ("bytes=9-0", 200, PICTURE, None),
        ("bytes=-", 200, PICTURE, None),
        ("bytes=0-1,5-6", 200, PICTURE, None),
        ("pages=1-2", 200, PICTURE, None),
        ("bytes=" + "9" * 30 + "-", 200, PICTURE, None),
    ],
)
async def test_ranges(
    stage: Stage, address: str, wanted: str, status: int, content: bytes, content_range: str | None
) -> None:
    answer = await ask(stage, address, range=wanted)
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("Content-Range") == content_range


async def test_a_range_of_another_version_gives_all(stage: Stage, address: str) -> None:
    etag = (await ask(stage, address)).headers["ETag"]
    assert (await ask(stage, address, range="bytes=0-9", if_range=etag)).status_code == 206
    assert (await ask(stage, address, range="bytes=0-9", if_range='"former"')).status_code == 200


async def test_a_thumb_that_is_not_made_yet_is_503(stage: Stage, address: str) -> None:
    answer = await ask(stage, address.replace("/small/", "/medium/"))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["title"] == "server busy"


async def test_a_file_that_went_away_is_503(stage: Stage, address: str) -> None:
    await stage.state.cache.delete(address.removeprefix("/media/cache/"))
    assert (await ask(stage, address)).status_code == 503


async def test_a_thumb_that_failed_for_good_is_404_and_says_why(stage: Stage, address: str) -> None:
    code = address.rpartition("/")[2].removesuffix(".jpg")

    def fail(connection: Connection) -> None:
        row = {"code": code, "preset": "large", "marking": ThumbMarking.FAILED, "reason": "corrupt"}
        save_thumbs(connection, [new_row(Thumb, **row)])

    await stage.state.database.write(fail)
    answer = await ask(stage, address.replace("/small/", "/large/"))
    assert answer.status_code == 404
    assert "corrupt" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "small/museum/00/0000000000000000.jpg",
        "small/",
        "small/../../../sais.db",
        "small/%2e%2e/%2e%2e/sais.db",
        "%2e%2e/sais.db",
        "small/%00",
        "small//etc/passwd",
        "small/..%5c..%5csais.db",
        "small/" + "a/" * 2000,
        "small/%ff%fe",
    ],
)
async def test_other_paths_are_404(stage: Stage, address: str, path: str) -> None:
    assert (await ask(stage, "/media/cache/" + path)).status_code == 404


async def test_an_encoded_slash_is_another_address(stage: Stage, address: str) -> None:
    head, _, name = address.rpartition("/")
    assert (await ask(stage, f"{head}%2F{name}")).status_code == 404
