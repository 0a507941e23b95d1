import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest

from sais.catalog.batches import get_batch, recent_batches
from sais.configuration import Configuration
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resources import open_resources
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import Lane
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of

LINES = "".join(f"{url_of(number)}\n" for number in range(3)).encode()
TABLE = b"url,objId\n" + f"{url_of(1)},7\n{url_of(2)},8\n".encode()


async def post(stage: Stage, key: str | None, body: bytes, **query: Any) -> httpx.Response:
    return await stage.client.post("/manifests", content=body, params=query, headers=bearer(key) if key else {})


def manifests(stage: Stage) -> list[Path]:
    folder = stage.state.settings.home / "manifests"
    return sorted(folder.rglob("*"))


async def nothing_is_left(stage: Stage) -> bool:
    return not await stage.state.database.read(recent_batches, 9) and not manifests(stage)


async def test_a_list_becomes_a_batch_that_a_run_reads(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    answer = await post(stage, key, LINES, filters="small", context='{"set": "a"}')
    assert answer.status_code == 202
    number = answer.json()["batch"]
    assert answer.json() == {"batch": number}
    batch = await stage.state.database.read(get_batch, number)
    assert (batch.presets, batch.context, batch.filled, batch.lane) == (["small"], {"set": "a"}, False, Lane.BULK)
    [run] = prefect.runs.values()
    assert run["parameters"] == {"account": "museum", "batch": number}
    async with open_resources(stage.state.configuration, "run") as resources:
        await plan_batch(resources, Order("museum", batch=number))
    sums = (await stage.client.get(f"/batches/{number}", headers=bearer(key))).json()
    assert (sums["submitted"], sums["accepted"]) == (3, 3)


@pytest.mark.parametrize("data", [TABLE, gzip.compress(TABLE, mtime=0)])
async def test_a_table_as_a_form(stage: Stage, data: bytes) -> None:
    key = await stage.account()
    fields = {"root": "museum", "filters": "small", "apiKey": key}
    answer = await stage.client.post("/manifests", data=fields, files={"file": ("list.csv", data)})
    assert answer.status_code == 202, answer.text
    async with open_resources(stage.state.configuration, "run") as resources:
        plan = await plan_batch(resources, Order("museum", batch=answer.json()["batch"]))
    assert plan.batch.submitted == 2


async def test_every_chunk_goes_to_disk_as_it_comes(stage: Stage) -> None:
    """The size on disk grows while the body is being sent."""
    key = await stage.account()
    seen: list[int] = []

    async def body() -> Any:
        for _ in range(3):
            yield LINES * 50_000
            seen.append(sum(file.stat().st_size for file in manifests(stage) if file.is_file()))

    answer = await stage.client.post("/manifests", content=body(), headers=bearer(key))
    assert answer.status_code == 202
    assert seen[0] > 0
    assert seen == sorted(set(seen))


async def test_with_originals_in_s3_the_manifest_is_there_too(
    settings: Settings, prefect: PrefectStub, bucket: str, s3_options: dict[str, Any]
) -> None:
    plain = Configuration.from_settings(settings)
    configuration = Configuration(
        settings=settings,
        database_url=plain.database_url,
        archive_url=f"s3://{bucket}/sais",
        cache_url=plain.cache_url,
        archive_options=s3_options,
    )
    async with opened(configuration, PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        answer = await post(stage, key, LINES)
        batch = await stage.state.database.read(get_batch, answer.json()["batch"])
        assert (batch.manifest or "").startswith(f"s3://{bucket}/sais/_manifests/")
        assert manifests(stage) == []
        async with open_resources(configuration, "run") as resources:
            plan = await plan_batch(resources, Order("museum", batch=batch.id))
        assert plan.batch.submitted == 3


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "lists no image"),
        (b"PK\x03\x04spreadsheet", "save it as CSV"),
        (b"title,year\na,1\n", "column"),
        (b"url\n\xff\xfe\xff\n", "UTF-8"),
        (gzip.compress(LINES, mtime=0)[:-12], "cannot read"),
        (b"PAR1" + bytes(100), "cannot read"),
        (b"x" * 10_100_000, "more than 10,000,000 bytes"),
    ],
)
async def test_what_is_no_manifest(stage: Stage, body: bytes, says: str) -> None:
    key = await stage.account()
    answer = await post(stage, key, body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert str(stage.state.settings.home) not in answer.text
    assert answer.json()["errors"][0]["field"] == "file"
    assert await nothing_is_left(stage)


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"filters": "huge"}, 422, "tiny, small, medium, large"),
        ({"mediaCallbackUrl": "http://10.0.0.1/"}, 422, "mediaCallbackUrl"),
        ({"root": "another"}, 403, "another account"),
        ({"colour": "red"}, 422, "colour"),
        ({"context": "{"}, 422, "context"),
    ],
)
async def test_options_that_cannot_be_leave_nothing_behind(
    stage: Stage, prefect: PrefectStub, query: dict[str, str], status: int, says: str
) -> None:
    key = await stage.account()
    answer = await post(stage, key, LINES, **query)
    assert answer.status_code == status
    assert says in answer.text
    assert await nothing_is_left(stage)
    assert prefect.runs == {}


async def test_wrong_keys(stage: Stage) -> None:
    key = await stage.account()
    assert (await post(stage, "wrong", LINES)).status_code == 401
    assert (await post(stage, None, LINES)).status_code == 401
    late = await stage.client.post("/manifests", files=[("file", ("a", LINES)), ("apiKey", (None, key))])
    assert late.status_code == 401
    assert await nothing_is_left(stage)


async def test_a_form_that_breaks_off(stage: Stage) -> None:
    key = await stage.account()
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../a.csv"\r\n\r\n' + LINES
    headers = {**bearer(key), "Content-Type": "multipart/form-data; boundary=x"}
    assert (await stage.client.post("/manifests", content=body, headers=headers)).status_code == 422
    assert await nothing_is_left(stage)
