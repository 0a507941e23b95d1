"""What a client sees of its account's limits."""

from typing import Any

from sais.quotas import Limits, set_limits
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of
from tests.support.pictures import encoded, quarters

JPEG = encoded(quarters(), "JPEG")


async def limit(stage: Stage, **limits: int) -> None:
    await stage.state.database.write(set_limits, "museum", Limits(**limits))


async def account_info(stage: Stage, key: str) -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/get_account_info", "params": {}}
    answer = await stage.client.post("/tools", json=request, headers=bearer(key))
    result: dict[str, Any] = answer.json()["result"]
    return result


async def test_images_over_the_limit_are_rejected_rows(stage: Stage) -> None:
    key = await stage.account()
    await limit(stage, images=1)
    answer = await stage.dispatch(key, [url_of(1), url_of(2), url_of(1)])
    assert answer.status_code == 200
    assert [(row["marking"], row["reason"]) for row in answer.json()] == [
        ("new", None),
        ("rejected", "quota_images"),
        ("new", None),
    ]


async def test_a_full_queue_is_429_with_a_time_to_come_back(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    await limit(stage, queued=2)
    assert (await stage.dispatch(key, [url_of(1), url_of(2)])).status_code == 200
    answer = await stage.dispatch(key, [url_of(3)])
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["errors"][0]["field"] == "images"
    assert "2 images wait already, and 2 may" in answer.json()["detail"]
    assert len(prefect.runs) == 1
    info = await account_info(stage, key)
    assert info["limits"] == {"images": None, "bytesPerDay": None, "queued": 2}
    assert info["usage"] == {"images": 2, "bytesToday": 0, "queued": 2}
    await stage.finish(url_of(1), presets=("small", "medium"))
    assert (await stage.dispatch(key, [url_of(3)])).status_code == 200


async def test_what_is_done_needs_no_place_in_the_queue(stage: Stage) -> None:
    key = await stage.account()
    assert (await stage.dispatch(key, [url_of(1)])).status_code == 200
    await stage.finish(url_of(1), presets=("small", "medium"))
    await limit(stage, queued=0)
    assert (await stage.dispatch(key, [url_of(1)])).status_code == 200


async def test_a_request_larger_than_the_limit_is_422(stage: Stage) -> None:
    key = await stage.account()
    await limit(stage, queued=1)
    answer = await stage.dispatch(key, [url_of(1), url_of(2)])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "images")


async def test_a_manifest_over_a_full_queue_is_429(stage: Stage) -> None:
    key = await stage.account()
    await limit(stage, queued=1)
    await stage.dispatch(key, [url_of(1)])
    answer = await stage.client.post("/manifests", content=url_of(2).encode(), headers=bearer(key))
    assert answer.status_code == 429
    assert not list((stage.state.settings.home / "manifests").rglob("manifest*"))


async def test_an_upload_too_many_is_refused_before_it_is_kept(stage: Stage) -> None:
    key = await stage.account()
    await limit(stage, images=0)
    answer = await stage.client.post(
        "/upload", data={"root": "museum"}, files={"file": ("a.jpg", JPEG)}, headers=bearer(key)
    )
    assert (answer.status_code, answer.json()["title"]) == (422, "quota_images")
    assert not list((stage.state.settings.home / "archive").rglob("*.jpg"))


async def test_a_thumb_on_demand_of_an_image_too_many(stage: Stage) -> None:
    key = await stage.account()
    await limit(stage, images=0)
    answer = await stage.client.get("/request/small", params={"url": url_of(1)}, headers=bearer(key))
    assert answer.status_code == 422
    assert "quota_images" in answer.json()["detail"]
    await limit(stage, queued=0)
    answer = await stage.client.get("/request/small", params={"url": url_of(1)}, headers=bearer(key))
    assert answer.status_code in {422, 429}


async def test_a_stranger_who_looks_fills_no_queue(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)], filters=["small"])
    path = await stage.finish(url_of(1))
    await limit(stage, queued=0)
    answer = await stage.client.get(f"/media/cache/large/{path}")
    assert answer.status_code == 503
    assert (await account_info(stage, key))["usage"]["queued"] == 0


async def test_the_third_batch_of_an_account_waits_for_its_turn(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    for number in range(3):
        assert (await stage.dispatch(key, [url_of(number)])).status_code == 200
    assert len(prefect.runs) == 2
    await stage.account("archive")
    other = await stage.client.post("/account_setup", json={"root": "gallery", "approx": 10})
    assert (await stage.dispatch(other.json()["apiKey"], [url_of(9)], root="gallery")).status_code == 200
    assert len(prefect.runs) == 3
