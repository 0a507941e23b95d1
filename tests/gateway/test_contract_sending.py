"""The contract's part "Sending images", each row by its words."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.contract import BATCH, ROW, check_problem
from tests.gateway.html_page import Page
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of
from tests.support.pictures import encoded, quarters


@pytest.fixture
async def hasty(settings: Settings, prefect: PrefectStub) -> AsyncIterator[Stage]:
    """A gateway that waits for nothing, and whose queues are short."""
    changed = settings.model_copy(update={"wait_seconds": 0.0, "queue_limit": 1})
    async with opened(Configuration.from_settings(changed), PrefectSettings(api_url=prefect.url)) as stage:
        yield stage


@pytest.mark.parametrize("path", ["/dispatch_process", "/dispatch_process.json"])
async def test_dispatch_answers_a_row_for_each_image_in_the_order_sent(stage: Stage, path: str) -> None:
    key = await stage.account("test")
    order: dict[str, Any] = {
        "root": "test",
        "images": [
            url_of(1),
            {"url": url_of(2), "context": {"objId": 7}},
            {"url": None},
            "ftp://a.example/x",
            "http://10.0.0.1/",
        ],
        "filters": ["small"],
        "context": {},
        "mediaCallbackUrl": None,
        "thumbCallbackUrl": None,
        "apiKey": key,
        "wait": False,
    }
    answer = await stage.client.post(path, json=order)
    rows = answer.json()
    assert answer.status_code == 200
    assert [set(row) for row in rows] == [ROW] * 5
    assert [row["originalUrl"] for row in rows][:2] == [url_of(1), url_of(2)]
    assert rows[1]["context"] == {"objId": 7}
    assert [row["marking"] for row in rows[2:]] == ["rejected"] * 3
    assert all(row["reason"] for row in rows[2:])
    sums = (await stage.client.get(f"/batches/{answer.headers['X-Sais-Batch']}", headers=bearer(key))).json()
    assert (sums["submitted"], sums["accepted"], sums["rejected"]) == (5, 2, 3)


async def test_a_row_of_what_is_done_has_its_thumbs(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)], filters=["small"])
    path = await stage.finish(url_of(1))
    [row] = (await stage.dispatch(key, [url_of(1)], filters=["small"])).json()
    assert set(row) == ROW
    assert set(row["thumbData"]["small"]) == {"url", "size", "width", "height"}
    assert row["resized"] == {"small": row["thumbData"]["small"]["url"]}
    assert row["resized"]["small"].endswith(f"/media/cache/small/{path}")


async def test_no_filters_means_the_default_presets_and_an_unknown_one_names_those_there_are(stage: Stage) -> None:
    key = await stage.account()
    for values in ("{}", '{"filters": []}'):
        [row] = (await stage.dispatch(key, [url_of(1)], **json.loads(values))).json()
        page = Page((await stage.client.get("/ui/batches/1")).text)
        assert "small, medium" in page.text
        assert row["marking"] == "new"
    problem = check_problem(await stage.dispatch(key, [url_of(1)], filters=["huge"]), 422)
    assert all(name in problem["detail"] for name in ("tiny", "small", "medium", "large"))


async def test_the_same_image_again_is_the_same_row_and_does_no_work_that_is_done(
    stage: Stage, prefect: PrefectStub
) -> None:
    key = await stage.account()
    [first] = (await stage.dispatch(key, [url_of(1)], filters=["small"], lane="bulk")).json()
    await stage.finish(url_of(1))
    again = await stage.dispatch(key, [url_of(1)], filters=["small"], lane="bulk")
    [second] = again.json()
    assert (first["code"], first["marking"], second["code"], second["marking"]) == (
        second["code"],
        "new",
        first["code"],
        "resized",
    )
    sums = (await stage.client.get(f"/batches/{again.headers['X-Sais-Batch']}", headers=bearer(key))).json()
    assert (sums["done"], sums["settled"]) == (1, True)
    assert [run["parameters"]["batch"] for run in prefect.runs.values()] == [1]


async def test_wait_answers_200_with_what_there_is_when_the_time_is_up(hasty: Stage) -> None:
    key = await hasty.account()
    answer = await hasty.dispatch(key, [url_of(1)], wait=True)
    assert (answer.status_code, answer.json()[0]["marking"]) == (200, "new")


async def test_ten_thousand_images_in_a_body_and_no_more(stage: Stage) -> None:
    key = await stage.account()
    assert len((await stage.dispatch(key, ["x"] * 10_000)).json()) == 10_000
    assert "manifest" in check_problem(await stage.dispatch(key, ["x"] * 10_001), 413)["detail"]


async def test_upload_answers_one_row(stage: Stage) -> None:
    key = await stage.account()
    file = {"file": ("a.jpg", encoded(quarters(), "JPEG"))}
    answer = await stage.client.post(
        "/upload", data={"root": "museum", "filters": "small"}, files=file, headers=bearer(key)
    )
    assert (answer.status_code, set(answer.json())) == (200, ROW)


@pytest.mark.parametrize("name", ["list.csv", "list.tsv", "list.txt"])
async def test_a_manifest_is_202_with_its_batch(stage: Stage, name: str) -> None:
    key = await stage.account()
    file = {"file": (name, f"url\n{url_of(1)}\n".encode())}
    answer = await stage.client.post("/manifests", data={"root": "museum"}, files=file, headers=bearer(key))
    assert (answer.status_code, answer.json()) == (202, {"batch": 1})
    assert set((await stage.client.get("/batches/1", headers=bearer(key))).json()) == BATCH


async def test_request_is_202_and_then_200_with_the_row(stage: Stage) -> None:
    key = await stage.account()
    query = {"url": "photos.example/1.jpg", "callback": "client.example/finished"}
    first = await stage.client.get("/request/small", params=query, headers=bearer(key))
    assert first.status_code == 202
    await stage.finish(url_of(1))
    second = await stage.client.get("/request/small", params=query, headers=bearer(key))
    assert (second.status_code, set(second.json()), second.json()["originalUrl"]) == (200, ROW, url_of(1))


async def test_request_over_the_limit_is_server_busy_and_queued_all_the_same(hasty: Stage) -> None:
    key = await hasty.account()
    answers = [
        await hasty.client.get("/request/small", params={"url": url_of(number)}, headers=bearer(key))
        for number in range(4)
    ]
    assert check_problem(answers[-1], 503)["title"] == "server busy"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert (await hasty.client.get("/batches/4", headers=bearer(key))).json()["pending"] == 1
