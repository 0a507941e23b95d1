import asyncio
from typing import Any

import httpx
import pytest

from sais.catalog.batches import recent_batches
from sais.configuration import Configuration
from sais.on_demand import with_scheme
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import Batch, Lane
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of
from tests.support.pictures import encoded, quarters


async def ask(stage: Stage, key: str | None, url: str, preset: str = "small", **query: Any) -> httpx.Response:
    headers = bearer(key) if key else {}
    return await stage.client.get(f"/request/{preset}", params={"url": url, **query}, headers=headers)


async def batches(stage: Stage) -> list[Batch]:
    return await stage.state.database.read(recent_batches, 100)


async def test_an_image_is_queued_and_then_it_is_there(stage: Stage) -> None:
    key = await stage.account()
    first = await ask(stage, key, url_of(1), callback="https://client.example/finished")
    assert first.status_code == 202
    assert (first.json()["originalUrl"], first.json()["marking"]) == (url_of(1), "new")
    [batch] = await batches(stage)
    assert (batch.presets, batch.lane, batch.media_callback_url) == (
        ["small"],
        Lane.QUICK,
        "https://client.example/finished",
    )
    path = await stage.finish(url_of(1))
    answer = await ask(stage, key, url_of(1))
    assert answer.status_code == 200
    assert answer.json()["resized"] == {"small": f"http://127.0.0.1:8018/media/cache/small/{path}"}
    assert len(await batches(stage)) == 1


async def test_asking_again_while_it_waits_makes_no_second_batch(stage: Stage) -> None:
    key = await stage.account()
    for _ in range(3):
        assert (await ask(stage, key, url_of(1))).status_code == 202
    assert len(await batches(stage)) == 1
    await ask(stage, key, url_of(1), preset="medium")
    await ask(stage, key, url_of(1), callback="https://client.example/told-too")
    assert len(await batches(stage)) == 3


async def test_an_address_without_a_scheme_is_https(stage: Stage) -> None:
    key = await stage.account()
    answer = await ask(stage, key, "pictures.example/abc.jpg", callback="myapp.example/callback/finished")
    assert answer.json()["originalUrl"] == "https://pictures.example/abc.jpg"
    assert (await batches(stage))[0].media_callback_url == "https://myapp.example/callback/finished"
    assert with_scheme("a.example:8080/x?u=http://b.example") == "https://a.example:8080/x?u=http://b.example"
    assert with_scheme("http://a.example/x") == "http://a.example/x"


async def test_over_the_limit_the_server_is_busy_and_queues_all_the_same(
    settings: Settings, prefect: PrefectStub
) -> None:
    few = settings.model_copy(update={"queue_limit": 2})
    async with opened(Configuration.from_settings(few), PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        other = await stage.account("other-one")
        answers = [await ask(stage, key, url_of(number)) for number in range(4)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 503]
        assert answers[3].json()["title"] == "server busy"
        assert int(answers[3].headers["Retry-After"]) > 0
        assert len(await batches(stage)) == 4
        assert (await ask(stage, other, url_of(9))).status_code == 202


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://photos.example/x", "bad_scheme"),
        ("upload:00000000000000000000000000000000", "bad_scheme"),
        ("file:///etc/passwd", "bad_scheme"),
        ("http://10.0.0.1/x", "refused_host"),
        ("127.1.1.1:80/x", "refused_host"),
        ("https://a.example/\0", "bad_url"),
        ("https://a.example/\u202e", "bad_url"),
        ("", "bad_url"),
        ("https://a.example/" + "x" * 5000, "url_too_long"),
    ],
)
async def test_addresses_that_cannot_be_fetched(stage: Stage, url: str, reason: str) -> None:
    key = await stage.account()
    answer = await ask(stage, key, url)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"] == "url"
    assert await batches(stage) == []


async def test_what_else_is_refused(stage: Stage) -> None:
    key = await stage.account()
    assert (await ask(stage, None, url_of(1))).status_code == 401
    assert (await ask(stage, "wrong", url_of(1))).status_code == 401
    unknown = await ask(stage, key, url_of(1), preset="huge")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "preset")
    callback = await ask(stage, key, url_of(1), callback="http://10.0.0.1/")
    assert (callback.status_code, callback.json()["errors"][0]["field"]) == (422, "callback")
    assert (await stage.client.get("/request/small", headers=bearer(key))).status_code == 422
    assert await batches(stage) == []


async def test_the_image_of_another_account_is_another_image(stage: Stage) -> None:
    key = await stage.account()
    other = await stage.account("other-one")
    await stage.dispatch(key, [url_of(1)], filters=["small"])
    await stage.finish(url_of(1))
    answer = await ask(stage, other, url_of(1))
    assert (answer.status_code, answer.json()["root"]) == (202, "other-one")


async def test_on_postgresql_many_who_ask_at_once_make_one_batch(
    settings: Settings, prefect: PrefectStub, postgres_url: str
) -> None:
    own = settings.model_copy(update={"database_url": postgres_url})
    async with opened(Configuration.from_settings(own), PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        await ask(stage, key, url_of(1))
        path = await stage.finish(url_of(1))
        missing = f"/media/cache/medium/{path}"
        answers = await asyncio.gather(*(stage.client.get(missing) for _ in range(10)))
        assert {answer.status_code for answer in answers} == {503}
        assert [batch.presets for batch in await batches(stage)] == [["medium"], ["small"]]
        file = {"file": ("a.png", encoded(quarters(), "PNG"))}
        fields = {"root": "museum", "context": '{"a": "\\u0000"}'}
        sent = await stage.client.post("/upload", data=fields, files=file, headers=bearer(key))
        assert (sent.status_code, sent.json()["marking"]) == (200, "archived"), sent.text
