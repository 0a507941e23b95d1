import asyncio
from typing import Any

import pytest

from sais.catalog.batches import get_batch
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of


async def test_a_row_for_each_image_in_the_order_sent(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    images = [
        {"url": url_of(1), "context": {"objId": 7}},
        "ftp://photos.example/x",
        {"context": {"objId": 8}},
        "http://127.1.1.1:1/private",
        None,
        url_of(2),
        url_of(1),
    ]
    answer = await stage.dispatch(key, images, context={"set": "a"}, filters=["small"])
    rows = answer.json()
    assert answer.status_code == 200
    assert [(row["marking"], row["reason"]) for row in rows] == [
        ("new", None),
        ("rejected", "bad_scheme"),
        ("rejected", "bad_url"),
        ("rejected", "refused_host"),
        ("rejected", "bad_url"),
        ("new", None),
        ("new", None),
    ]
    assert rows[0]["context"] == {"set": "a", "objId": 7}
    assert rows[0]["code"] == rows[6]["code"] != rows[5]["code"]
    batch = int(answer.headers["X-Sais-Batch"])
    [run] = prefect.runs.values()
    assert run["parameters"] == {"account": "museum", "batch": batch}
    assert run["name"] == f"ingest-museum-b{batch}"
    assert {"account:museum", "lane:bulk"} < set(run["tags"])
    sums = (await stage.client.get(f"/batches/{batch}", headers=bearer(key))).json()
    assert sums == {
        "id": batch,
        "root": "museum",
        "submitted": 7,
        "accepted": 3,
        "rejected": 4,
        "pending": 3,
        "done": 0,
        "failed": 0,
        "cancelled": 0,
        "reasons": {"bad_url": 2, "bad_scheme": 1, "refused_host": 1},
        "marking": "open",
        "settled": False,
        "flowRunUrl": f"{prefect.url.removesuffix('/api')}/runs/flow-run/{run['id']}",
    }


async def test_the_key_may_come_in_the_body(stage: Stage) -> None:
    key = await stage.account()
    body = {"root": "museum", "images": [url_of(1)], "apiKey": key}
    assert (await stage.client.post("/dispatch_process.json", json=body)).status_code == 200


async def test_wrong_keys_and_unknown_roots_look_the_same(stage: Stage) -> None:
    await stage.account()
    wrong = await stage.dispatch("wrong", [url_of(1)])
    unknown = await stage.dispatch("wrong", [url_of(1)], root="nobody")
    none = await stage.client.post("/dispatch_process", json={"root": "museum", "images": [url_of(1)]})
    assert wrong.status_code == unknown.status_code == none.status_code == 401
    assert wrong.content == unknown.content == none.content
    for answer in (wrong, unknown):
        del answer.headers["x-request-id"]
    assert wrong.headers == unknown.headers


async def test_the_key_of_another_account_is_403_whether_or_not_the_root_is_known(stage: Stage) -> None:
    await stage.account()
    other = await stage.account("other-one")
    known = await stage.dispatch(other, [url_of(1)])
    unknown = await stage.dispatch(other, [url_of(1)], root="nobody")
    assert known.status_code == unknown.status_code == 403
    assert known.content == unknown.content


async def test_what_is_done_starts_no_run(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)], filters=["small"])
    path = await stage.finish(url_of(1))
    again = await stage.dispatch(key, [url_of(1)], filters=["small"], wait=True)
    assert len(prefect.runs) == 1
    [row] = again.json()
    assert (row["marking"], row["path"]) == ("resized", path)
    assert row["resized"] == {"small": f"http://127.0.0.1:8018/media/cache/small/{path}"}
    assert row["thumbData"]["small"] == {"url": row["resized"]["small"], "size": 7, "width": 192, "height": 128}
    sums = (await stage.client.get(f"/batches/{again.headers['X-Sais-Batch']}", headers=bearer(key))).json()
    assert (sums["settled"], sums["done"], sums["flowRunUrl"]) == (True, 1, None)


async def test_wait_answers_when_the_batch_has_settled(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    loop = asyncio.get_running_loop()

    def work(run: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(stage.finish(url_of(1)), loop)

    prefect.started = work
    [row] = (await stage.dispatch(key, [url_of(1)], filters=["small"], wait=True)).json()
    assert row["marking"] == "resized"
    assert len(prefect.runs) == 1


async def test_without_prefect_the_batch_is_accepted_and_waits(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(
        Configuration.from_settings(settings), PrefectSettings(api_url="http://127.0.0.1:9/api")
    ) as stage:
        key = await stage.account()
        answer = await stage.dispatch(key, [url_of(1)])
        assert answer.status_code == 200
        batch = await stage.state.database.read(get_batch, int(answer.headers["X-Sais-Batch"]))
        assert (batch.filled, batch.submitted, batch.flow_run_id) == (True, 1, None)
        assert f"batch {batch.id} is accepted, but no run started" in caplog.text
        assert key not in caplog.text


@pytest.mark.parametrize(
    ("values", "status", "says"),
    [
        ({"images": []}, 422, "images"),
        ({"images": [url_of(1)], "filters": ["huge"]}, 422, "tiny, small, medium, large"),
        ({"images": [url_of(1)], "mediaCallbackUrl": "http://10.0.0.1/"}, 422, "mediaCallbackUrl"),
        ({"images": [{"url": 3}]}, 422, "images.0"),
        ({"images": [url_of(1)], "wait": "perhaps"}, 422, "wait"),
        ({"images": "one"}, 422, "images"),
        ({"images": [url_of(1)] * 10_001}, 413, "manifest"),
    ],
)
async def test_orders_that_cannot_be_taken_leave_nothing_behind(
    stage: Stage, prefect: PrefectStub, values: dict[str, object], status: int, says: str
) -> None:
    key = await stage.account()
    body = {"root": "museum", **values}
    answer = await stage.client.post("/dispatch_process", json=body, headers=bearer(key))
    assert answer.status_code == status
    assert says in answer.text
    assert prefect.runs == {}
    assert (await stage.client.get("/batches/1", headers=bearer(key))).status_code == 404


async def test_ten_thousand_duplicates_are_one_image(stage: Stage) -> None:
    key = await stage.account()
    answer = await stage.dispatch(key, [url_of(1)] * 10_000)
    assert len({row["code"] for row in answer.json()}) == 1
    sums = (await stage.client.get(f"/batches/{answer.headers['X-Sais-Batch']}", headers=bearer(key))).json()
    assert (sums["submitted"], sums["accepted"]) == (10_000, 10_000)
