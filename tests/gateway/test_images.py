import asyncio
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import Connection

from sais.addressing import code_of
from sais.catalog.batches import recent_batches
from sais.catalog.bulk import new_row, update_rows
from sais.catalog.media import save_thumbs
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import Batch, Lane, Media, MediaMarking, Thumb, ThumbMarking
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of
from tests.support.pictures import decoded, encoded, quarters

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
    assert answer.headers["Cache-Control"] == "public, max-age=3600, stale-while-revalidate=86400"
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


async def batches(stage: Stage) -> list[Batch]:
    return await stage.state.database.read(recent_batches, 100)


async def test_a_thumb_that_is_not_made_yet_is_503_and_queued_once(stage: Stage, address: str) -> None:
    missing = address.replace("/small/", "/medium/")
    for _ in range(3):
        answer = await ask(stage, missing)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert (answer.json()["title"], answer.headers["Cache-Control"]) == ("server busy", "no-store")
    newest, former = await batches(stage)
    assert (newest.presets, newest.lane, newest.root, former.presets) == (["medium"], Lane.QUICK, "museum", ["small"])
    await stage.finish(url_of(1), b"larger", presets=("medium",))
    assert (await ask(stage, missing)).content == b"larger"
    assert len(await batches(stage)) == 2


async def test_many_who_ask_at_once_make_one_batch(stage: Stage, address: str) -> None:
    missing = address.replace("/small/", "/large/")
    answers = await asyncio.gather(*(ask(stage, missing) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {503}
    assert len(await batches(stage)) == 2


async def test_a_stranger_cannot_fill_the_queue(stage: Stage, address: str) -> None:
    for preset in ("made-up", "huge", "resolve", "..."):
        assert (await ask(stage, address.replace("/small/", f"/{preset}/"))).status_code == 404
    code = code_of(url_of(1), "museum")
    state = {"code": code, "marking": MediaMarking.FAILED, "retryable": True}
    await stage.state.database.write(lambda connection: update_rows(connection, Media, [state]))
    assert (await ask(stage, address.replace("/small/", "/large/"))).status_code == 503
    audio = {"code": code, "marking": MediaMarking.ARCHIVED, "mime_type": "audio/mpeg"}
    await stage.state.database.write(lambda connection: update_rows(connection, Media, [audio]))
    assert (await ask(stage, address.replace("/small/", "/large/"))).status_code == 404
    assert len(await batches(stage)) == 1


async def test_over_the_accounts_limit_a_stranger_queues_nothing(settings: Settings, prefect: PrefectStub) -> None:
    few = settings.model_copy(update={"queue_limit": 1})
    async with opened(Configuration.from_settings(few), PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        await stage.dispatch(key, [url_of(1), url_of(2), url_of(3)], filters=["small"])
        path = await stage.finish(url_of(1))
        assert (await ask(stage, f"/media/cache/medium/{path}")).status_code == 503
        assert len(await batches(stage)) == 1


async def test_an_upload_gets_further_thumbs_too(stage: Stage) -> None:
    key = await stage.account()
    fields = {"root": "museum", "filters": "small"}
    file = {"file": ("a.png", encoded(quarters(), "PNG"))}
    row = (await stage.client.post("/upload", data=fields, files=file, headers=bearer(key))).json()
    assert (await ask(stage, f"/media/cache/tiny/{row['path']}")).status_code == 503
    assert [batch.presets for batch in await batches(stage)] == [["tiny"], ["small"]]


async def test_resolve_leads_to_the_thumb(stage: Stage, address: str) -> None:
    answer = await ask(stage, address.replace("/cache/", "/cache/resolve/"))
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"http://127.0.0.1:8018{address}"
    missing = address.replace("/cache/small/", "/cache/resolve/large/")
    assert (await ask(stage, missing)).status_code == 503
    assert len(await batches(stage)) == 2
    assert (await ask(stage, missing.replace("/large/", "/made-up/"))).status_code == 404
    assert (await ask(stage, "/media/cache/resolve/small/%2e%2e/sais.db")).status_code == 404


@pytest.mark.parametrize(
    ("accept", "mime_type"),
    [
        ("image/avif,image/webp,image/apng,*/*;q=0.8", "image/png"),
        ("text/html, image/*;q=0.5", "image/png"),
        ("*/*", "application/problem+json"),
        ("image/png;q=0", "application/problem+json"),
        ("application/json", "application/problem+json"),
    ],
)
async def test_a_blurred_picture_stands_for_it(
    settings: Settings, prefect: PrefectStub, accept: str, mime_type: str
) -> None:
    own = settings.model_copy(update={"busy_placeholder": True})
    async with opened(Configuration.from_settings(own), PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        await stage.dispatch(key, [url_of(1)], filters=["small"])
        path = await stage.finish(url_of(1))
        blurred = {"code": code_of(url_of(1), "museum"), "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj"}
        await stage.state.database.write(lambda connection: update_rows(connection, Media, [blurred]))
        answer = await ask(stage, f"/media/cache/large/{path}", accept=accept)
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, mime_type)
        assert (answer.headers["Vary"], answer.headers["Cache-Control"]) == ("Accept", "no-store")
        assert "Retry-After" in answer.headers
        assert len(await batches(stage)) == 2
        if mime_type == "image/png":
            assert decoded(answer.content).size == (256, 171)  # 300 x 200


async def test_a_giant_thumb_goes_out_in_pieces(stage: Stage, address: str) -> None:
    giant = bytes(range(256)) * 10_000
    await stage.finish(url_of(1), giant)
    answer = await ask(stage, address)
    assert (answer.content, answer.headers["Content-Length"]) == (giant, str(len(giant)))
    part = await ask(stage, address, range="bytes=100-2000099")
    assert (part.status_code, part.content) == (206, giant[100:2_000_100])
    assert part.headers["Content-Length"] == "2000000"


@pytest.mark.parametrize("delivery", ["stream", "redirect"])
async def test_thumbs_in_s3(
    settings: Settings, prefect: PrefectStub, bucket: str, s3_options: dict[str, Any], delivery: str
) -> None:
    own = settings.model_copy(update={"cache_delivery": delivery})
    plain = Configuration.from_settings(own)
    configuration = replace(plain, cache_url=f"s3://{bucket}/thumbs", cache_options=s3_options)
    async with opened(configuration, PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        await stage.dispatch(key, [url_of(1)], filters=["small"])
        address = f"/media/cache/small/{await stage.finish(url_of(1), PICTURE)}"
        answer = await ask(stage, address)
        unchanged = await ask(stage, address, if_none_match="*")
        assert unchanged.status_code == 304
        if delivery == "stream":
            assert (answer.status_code, answer.content) == (200, PICTURE)
            assert (await ask(stage, address, range="bytes=0-9")).content == PICTURE[:10]
            return
        assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "private, max-age=1800")
        async with AsyncClient() as anybody:
            there = await anybody.get(answer.headers["Location"])
        assert (there.content, there.headers["Content-Type"]) == (PICTURE, "image/webp")


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


async def test_a_new_file_before_its_new_row_tells_its_own_type_and_is_kept_by_nobody(
    stage: Stage, address: str
) -> None:
    made_again = encoded(quarters(), "JPEG")
    await stage.state.cache.write(address.removeprefix("/media/cache/"), made_again, "image/jpeg")
    answer = await ask(stage, address, range="bytes=0-9")
    assert (answer.status_code, answer.content) == (200, made_again)
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    assert "ETag" not in answer.headers
