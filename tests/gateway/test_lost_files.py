"""Thumbs that are done by their rows, and whose files are gone: somebody cleaned the cache, or more."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from httpx import Response

from sais.catalog.batches import recent_batches
from sais.catalog.bulk import update_rows
from sais.catalog.media import find_thumbs
from sais.configuration import Configuration
from sais.pipeline.archive import archive_chunk
from sais.pipeline.download import download_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.pipeline.resources import open_resources
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import Batch, Media, MediaMarking, ThumbMarking
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of
from tests.support.pictures import decoded, encoded, quarters

PICTURE = encoded(quarters(), "JPEG")


async def work(stage: Stage) -> None:
    """What the runs of all open batches do."""
    async with open_resources(stage.state.configuration, "run") as resources:
        for batch in await batches(stage):
            for chunk in (await plan_batch(resources, Order("museum", batch=batch.id))).chunks:
                await download_chunk(resources, chunk, last_try=True)
                await archive_chunk(resources, chunk)
                await resize_chunk(resources, chunk)


async def batches(stage: Stage) -> list[Batch]:
    return await stage.state.database.read(recent_batches, 100)


async def upload(stage: Stage, key: str) -> dict[str, Any]:
    files = {"file": ("a.jpg", PICTURE)}
    answer = await stage.client.post("/upload", data={"root": "museum"}, files=files, headers=bearer(key))
    row: dict[str, Any] = answer.json()
    return row


@pytest.fixture
async def row(stage: Stage) -> dict[str, Any]:
    """An upload with its two thumbs, and `key` beside it."""
    key = await stage.account()
    sent = await upload(stage, key)
    await work(stage)
    return {**sent, "key": key}


def lose(stage: Stage, row: dict[str, Any], *rooms: str) -> None:
    for room in rooms:
        (stage.state.settings.home / room / row["path"]).unlink()


async def ask(stage: Stage, row: dict[str, Any], preset: str = "small") -> Response:
    return await stage.client.get(f"/media/cache/{preset}/{row['path']}")


async def markings(stage: Stage, row: dict[str, Any]) -> dict[str, ThumbMarking]:
    found = await stage.state.database.read(find_thumbs, [row["code"]])
    return {thumb.preset: thumb.marking for thumb in found[row["code"]]}


async def test_it_is_noticed_queued_once_and_comes_back(stage: Stage, row: dict[str, Any]) -> None:
    before = (await ask(stage, row)).content
    lose(stage, row, "cache/small")
    answers = await asyncio.gather(*(ask(stage, row) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["title"] for answer in answers} == {"server busy"}
    newest, *former = await batches(stage)
    assert (newest.presets, len(former)) == (["small"], 1)
    assert await markings(stage, row) == {"small": ThumbMarking.NEW, "medium": ThumbMarking.DONE}
    await work(stage)
    again = await ask(stage, row)
    assert (again.status_code, again.content) == (200, before)
    assert len(await batches(stage)) == 2


async def test_resolve_notices_it_too(stage: Stage, row: dict[str, Any]) -> None:
    address = f"/media/cache/resolve/small/{row['path']}"
    assert (await stage.client.get(address)).status_code == 302
    lose(stage, row, "cache/small")
    assert (await stage.client.get(address)).status_code == 503
    assert len(await batches(stage)) == 2


async def test_from_the_archive_when_the_local_original_is_gone(stage: Stage, row: dict[str, Any]) -> None:
    lose(stage, row, "cache/small", "originals")
    assert (await ask(stage, row)).status_code == 503
    await work(stage)
    assert decoded((await ask(stage, row)).content).size[0] <= 192


async def test_without_any_original_it_ends_and_says_so(stage: Stage, row: dict[str, Any]) -> None:
    lose(stage, row, "cache/small", "originals", "archive")
    assert (await ask(stage, row)).status_code == 503
    await work(stage)
    for _ in range(2):
        answer = await ask(stage, row)
        assert (answer.status_code, "original_lost" in answer.json()["detail"]) == (404, True)
    assert (await ask(stage, row, "medium")).status_code == 200
    assert len(await batches(stage)) == 2


async def test_the_same_bytes_again_bring_all_back(stage: Stage, row: dict[str, Any]) -> None:
    lose(stage, row, "cache/small", "originals", "archive")
    await ask(stage, row)
    await work(stage)
    assert (await upload(stage, row["key"]))["code"] == row["code"]
    await work(stage)
    assert (await ask(stage, row)).status_code == 200
    assert (stage.state.settings.home / "archive" / row["path"]).read_bytes() == PICTURE


@pytest.fixture
async def full(settings: Settings, prefect: PrefectStub) -> AsyncIterator[Stage]:
    few = settings.model_copy(update={"queue_limit": 1})
    async with opened(Configuration.from_settings(few), PrefectSettings(api_url=prefect.url)) as stage:
        yield stage


async def test_over_the_accounts_limit_nothing_is_queued_nor_forgotten(full: Stage) -> None:
    key = await full.account()
    sent = await upload(full, key)
    await work(full)
    await full.dispatch(key, [url_of(1), url_of(2)])
    lose(full, sent, "cache/small")
    assert (await ask(full, sent)).status_code == 503
    assert len(await batches(full)) == 2
    assert (await markings(full, sent))["small"] == ThumbMarking.DONE


async def test_what_nobody_can_make_is_not_queued(stage: Stage, row: dict[str, Any]) -> None:
    lose(stage, row, "cache/small", "cache/medium")
    await stage.state.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE preset SET current = 0 WHERE name = 'small'")
    )
    assert (await ask(stage, row)).status_code == 404
    failed = {"code": row["code"], "marking": MediaMarking.FAILED, "reason": "corrupt"}
    await stage.state.database.write(lambda connection: update_rows(connection, Media, [failed]))
    assert (await ask(stage, row, "medium")).status_code == 404
    assert len(await batches(stage)) == 1


@pytest.mark.parametrize("delivery", ["stream", "redirect"])
async def test_in_a_bucket(
    settings: Settings, prefect: PrefectStub, bucket: str, s3_options: dict[str, Any], delivery: str
) -> None:
    plain = Configuration.from_settings(settings.model_copy(update={"cache_delivery": delivery}))
    configuration = replace(plain, cache_url=f"s3://{bucket}/thumbs", cache_options=s3_options)
    async with opened(configuration, PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        sent = await upload(stage, key)
        await work(stage)
        there = 200 if delivery == "stream" else 302
        assert (await ask(stage, sent)).status_code == there
        await stage.state.cache.delete(f"small/{sent['path']}")
        assert (await ask(stage, sent)).status_code == 503
        assert len(await batches(stage)) == 2
        await work(stage)
        assert (await ask(stage, sent)).status_code == there
