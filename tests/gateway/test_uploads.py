import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import xxhash

from sais.addressing import code_of
from sais.catalog.batches import recent_batches
from sais.catalog.bulk import update_rows
from sais.catalog.media import count_by_marking, find_media
from sais.configuration import Configuration
from sais.pipeline.download import download_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.pipeline.resources import open_resources
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import Lane, Media, MediaMarking
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of
from tests.support.pictures import encoded, quarters

PICTURE = encoded(quarters(), "JPEG")
BOUNDARY = "cut-here"


def part(name: str, value: bytes, file_name: str | None = None) -> bytes:
    file = f'; filename="{file_name}"' if file_name else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
ROOT = part("root", b"museum")
FILE = part("file", PICTURE, "a.jpg")


async def send(stage: Stage, body: bytes, key: str | None = None, boundary: str = BOUNDARY) -> httpx.Response:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **(bearer(key) if key else {})}
    return await stage.client.post("/upload", content=body, headers=headers)


async def upload(stage: Stage, key: str, data: bytes = PICTURE, **values: Any) -> httpx.Response:
    fields = {"root": "museum", "filters": "small", **values}
    return await stage.client.post("/upload", data=fields, files={"file": ("a.jpg", data)}, headers=bearer(key))


def files_below(home: Path) -> list[Path]:
    return [
        file for name in ("originals", "archive", "manifests") for file in (home / name).rglob("*") if file.is_file()
    ]


async def nothing_is_left(stage: Stage) -> bool:
    rows = await stage.state.database.read(count_by_marking)
    batches = await stage.state.database.read(recent_batches, 10)
    return not rows and not batches and not files_below(stage.state.settings.home)


async def test_an_image_as_bytes_is_a_row_like_any_other(stage: Stage) -> None:
    key = await stage.account()
    answer = await upload(stage, key, context=json.dumps({"objId": 7}))
    assert answer.status_code == 200, answer.text
    row = answer.json()
    assert (row["marking"], row["mimeType"], row["size"]) == ("archived", "image/jpeg", len(PICTURE))
    assert (row["originalWidth"], row["originalHeight"], row["context"]) == (400, 300, {"objId": 7})
    assert row["originalUrl"].startswith("upload:")
    assert row["code"] == code_of(row["originalUrl"], "museum")
    assert sorted(row) == sorted((await stage.dispatch(key, [url_of(1)])).json()[0])
    home = stage.state.settings.home
    assert [(home / room / row["path"]).read_bytes() for room in ("originals", "archive")] == [PICTURE, PICTURE]
    assert len(files_below(home)) == 2
    [batch] = [one for one in await stage.state.database.read(recent_batches, 9) if one.presets == ["small"]]
    assert (batch.lane, answer.headers["X-Sais-Batch"]) == (Lane.QUICK, str(batch.id))


async def test_a_run_makes_its_thumbs_also_on_a_machine_that_has_only_the_archive(stage: Stage) -> None:
    key = await stage.account()
    row = (await upload(stage, key)).json()
    (stage.state.settings.originals_dir / row["path"]).unlink()
    async with open_resources(stage.state.configuration, "run") as resources:
        plan = await plan_batch(resources, Order("museum", batch=1))
        await resize_chunk(resources, plan.chunks[0])
    sums = (await stage.client.get("/batches/1", headers=bearer(key))).json()
    assert (sums["done"], sums["settled"]) == (1, True)
    assert (await stage.client.get(f"/media/cache/small/{row['path']}")).headers["Content-Type"] == "image/webp"


async def test_the_same_file_again_is_the_same_row_and_no_work(stage: Stage) -> None:
    key = await stage.account()
    first = (await upload(stage, key)).json()
    await stage.finish(first["originalUrl"])
    archived = stage.state.settings.home / "archive" / first["path"]
    before = archived.stat().st_ino
    again = await upload(stage, key)
    assert again.json()["code"] == first["code"]
    assert again.json()["marking"] == "resized"
    assert archived.stat().st_ino == before
    sums = (await stage.client.get(f"/batches/{again.headers['X-Sais-Batch']}", headers=bearer(key))).json()
    assert (sums["pending"], sums["done"], sums["settled"]) == (0, 1, True)


async def test_an_upload_that_failed_is_tried_again_from_the_archive(stage: Stage) -> None:
    key = await stage.account()
    row = (await upload(stage, key)).json()
    (stage.state.settings.originals_dir / row["path"]).unlink()
    new = {"code": row["code"], "marking": MediaMarking.NEW}
    await stage.state.database.write(lambda connection: update_rows(connection, Media, [new]))
    async with open_resources(stage.state.configuration, "run") as resources:
        plan = await plan_batch(resources, Order("museum", batch=1))
        report = await download_chunk(resources, plan.chunks[0], last_try=True)
        assert (report.done, report.failures) == (1, [])
        media = await resources.read(find_media, [row["code"]])
    assert (media[row["code"]].marking, media[row["code"]].path) == (MediaMarking.DOWNLOADED, row["path"])
    assert (stage.state.settings.originals_dir / row["path"]).read_bytes() == PICTURE


async def test_one_that_was_lost_fails_and_says_so(stage: Stage) -> None:
    key = await stage.account()
    row = (await upload(stage, key)).json()
    for room in ("originals", "archive"):
        (stage.state.settings.home / room / row["path"]).unlink()
    new = {"code": row["code"], "marking": MediaMarking.NEW}
    await stage.state.database.write(lambda connection: update_rows(connection, Media, [new]))
    async with open_resources(stage.state.configuration, "run") as resources:
        plan = await plan_batch(resources, Order("museum", batch=1))
        await download_chunk(resources, plan.chunks[0], last_try=True)
    sums = (await stage.client.get("/batches/1", headers=bearer(key))).json()
    assert (sums["failed"], sums["reasons"]) == (1, {"upload_lost": 1})


async def test_a_client_cannot_dispatch_an_uploads_address(stage: Stage) -> None:
    key = await stage.account()
    row = (await upload(stage, key)).json()
    for url in (row["originalUrl"], "upload:" + "0" * 32):
        [answer] = (await stage.dispatch(key, [url])).json()
        assert (answer["marking"], answer["reason"]) == ("rejected", "bad_scheme")


async def test_with_wait_the_answer_comes_when_it_is_done(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    loop = asyncio.get_running_loop()
    url = f"upload:{xxhash.xxh3_128_hexdigest(PICTURE)}"

    def start(_: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(stage.finish(url), loop)

    prefect.started = start
    row = (await upload(stage, key, wait="true")).json()
    assert (row["originalUrl"], row["marking"], list(row["resized"])) == (url, "resized", ["small"])
    assert (await upload(stage, key, wait="true")).json() == row
    answer = await upload(stage, key, wait="perhaps")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "wait")


async def test_with_wait_the_answer_comes_when_the_time_is_up(settings: Settings, prefect: PrefectStub) -> None:
    hasty = settings.model_copy(update={"wait_seconds": 0})
    async with opened(Configuration.from_settings(hasty), PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        row = (await upload(stage, key, wait="true")).json()
    assert row["marking"] == "archived"
    assert len(prefect.runs) == 1


@pytest.mark.parametrize("filters", [["small", "medium"], ["small,medium"], ['["small", "medium"]']])
@pytest.mark.parametrize("name", ["filters", "filters[]"])
async def test_filters_as_forms_write_them(stage: Stage, name: str, filters: list[str]) -> None:
    key = await stage.account()
    body = ROOT + b"".join(part(name, value.encode()) for value in filters) + FILE + END
    assert (await send(stage, body, key)).status_code == 200
    [batch] = await stage.state.database.read(recent_batches, 9)
    assert batch.presets == ["small", "medium"]


async def test_the_key_may_be_a_field_after_the_file(stage: Stage) -> None:
    key = await stage.account()
    assert (await send(stage, FILE + ROOT + part("apiKey", key.encode()) + END)).status_code == 200


async def test_what_is_no_image_is_refused_with_its_reason(stage: Stage) -> None:
    key = await stage.account()
    for data, reason in (
        (b"<html>", "not_image"),
        (b"", "not_image"),
        (PICTURE[:200], "corrupt"),
    ):
        answer = await upload(stage, key, data)
        assert (answer.status_code, answer.json()["title"]) == (422, reason), data[:10]
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert await nothing_is_left(stage)


async def test_too_many_bytes_or_pixels(settings: Settings, prefect: PrefectStub) -> None:
    small = settings.model_copy(update={"max_bytes": 20_000, "max_pixels": 1000})
    async with opened(Configuration.from_settings(small), PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        answer = await upload(stage, key, PICTURE + bytes(20_000))
        assert (answer.status_code, answer.json()["title"]) == (413, "too_big")
        answer = await upload(stage, key, PICTURE)
        assert (answer.status_code, answer.json()["title"]) == (422, "too_many_pixels")
        answer = await upload(stage, key, bytes(2_000_000))
        assert answer.status_code == 413
        assert await nothing_is_left(stage)


async def test_wrong_keys(stage: Stage) -> None:
    await stage.account()
    other = await stage.account("other-one")
    body = FILE + ROOT + END
    wrong = await send(stage, body, "wrong")
    assert wrong.status_code == 401
    assert (await send(stage, body)).content == wrong.content
    assert (await send(stage, FILE + ROOT + part("apiKey", b"wrong") + END)).content == wrong.content
    assert (await send(stage, body, other)).status_code == 403
    assert await nothing_is_left(stage)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (ROOT + END, "file"),
        (FILE + END, "root"),
        (ROOT + FILE + part("filters", b"huge") + END, "tiny, small, medium, large"),
        (ROOT + FILE + part("context", b"[1]") + END, "context"),
        (ROOT + FILE + part("context", b"{") + END, "context"),
        (ROOT + FILE + part("filters", b"[") + END, "filters"),
        (ROOT + FILE + part("filters", b"[1]") + END, "filters"),
        (ROOT + FILE + part("mediaCallbackUrl", b"http://10.0.0.1/") + END, "mediaCallbackUrl"),
        (ROOT + FILE + part("colour", b"red") + END, "colour"),
        (ROOT + ROOT + FILE + END, "root"),
        (ROOT + FILE + FILE + END, "one file"),
        (ROOT + part("picture", PICTURE, "a.jpg") + END, "picture"),
        (ROOT + FILE, "last boundary"),
        (ROOT + FILE[:-20], "last boundary"),
        (b"", "last boundary"),
        (b"nothing of the kind", "multipart"),
        (b"--cut-here\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END, "no name"),
        (b"--cut-here\r\n\r\nx\r\n" + END, "no name"),
        (b"--cut-here\r\nbad header\r\n\r\nx\r\n" + END, "multipart"),
        (part("root", b"\xff") + FILE + END, "UTF-8"),
        (part("root", b"mus\0eum") + FILE + END, "another account"),
    ],
)
async def test_forms_that_cannot_be_taken_leave_nothing_behind(stage: Stage, body: bytes, says: str) -> None:
    key = await stage.account()
    answer = await send(stage, body, key)
    assert answer.status_code in {403, 422}
    assert says in answer.text
    assert key not in answer.text
    assert await nothing_is_left(stage)


async def test_forms_that_are_too_much(stage: Stage) -> None:
    key = await stage.account()
    assert (await send(stage, ROOT + part("context", b" " * 300_000) + END, key)).status_code == 413
    assert (await send(stage, ROOT * 1001 + END, key)).status_code == 413
    assert (await send(stage, ROOT + FILE + END, key, boundary="x" * 300)).status_code == 422
    plain = await stage.client.post("/upload", json={"root": "museum"}, headers=bearer(key))
    assert plain.status_code == 422
    assert await nothing_is_left(stage)
