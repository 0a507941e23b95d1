from tests.gateway.stage import Stage, bearer, url_of


async def test_media_by_ids_in_the_order_asked(stage: Stage) -> None:
    key = await stage.account()
    images = [{"url": url_of(1), "context": {"objId": 7}}, url_of(2)]
    one, two = [row["code"] for row in (await stage.dispatch(key, images)).json()]
    path = await stage.finish(url_of(1))
    first = await stage.client.get(f"/fetch/media/by-ids?id={two},{one},nonsense", headers=bearer(key))
    second = await stage.client.get(f"/fetch/media/by-ids?ids[]={two}&ids[]={one}", headers=bearer(key))
    third = await stage.client.post("/fetch/media/by-ids", json={"ids": [two, "\0", one]}, headers=bearer(key))
    assert first.json() == second.json() == third.json()
    waiting, info = first.json()
    assert (waiting["id"], waiting["thumbs"], waiting["meta"]["ext"]) == (two, {}, None)
    assert info.pop("updatedAt")
    assert info == {
        "id": one,
        "source": url_of(1),
        "thumbs": {"small": f"http://127.0.0.1:8018/media/cache/small/{path}"},
        "context": {"objId": 7, "saisCode": one},
        "meta": {
            "width": 300,
            "height": 200,
            "mimeType": "image/jpeg",
            "size": 1000,
            "ext": "jpg",
            "status": None,
            "pHash": None,
            "colors": None,
        },
        "marking": "resized",
        "blur": "LKO2",
    }
    assert (await stage.client.get(f"/fetch/media/{one}", headers=bearer(key))).json()["id"] == one


async def test_rows_need_the_key_of_their_account(stage: Stage) -> None:
    key = await stage.account()
    other = await stage.account("other-one")
    answer = await stage.dispatch(key, [url_of(1)])
    code, batch = answer.json()[0]["code"], answer.headers["X-Sais-Batch"]
    addresses = (f"/fetch/media/by-ids?id={code}", f"/fetch/media/{code}", f"/batches/{batch}")
    assert [(await stage.client.get(address)).status_code for address in addresses] == [401, 401, 401]
    assert (await stage.client.get(addresses[0], headers=bearer(other))).json() == []
    assert (await stage.client.get(addresses[1], headers=bearer(other))).status_code == 403
    assert (await stage.client.get(addresses[2], headers=bearer(other))).status_code == 403


async def test_failures_are_counted_by_reason(stage: Stage) -> None:
    key = await stage.account()
    batch = (await stage.dispatch(key, [url_of(1), url_of(2), url_of(3)])).headers["X-Sais-Batch"]
    await stage.fail(url_of(1), "http_404")
    await stage.fail(url_of(2), "http_404")
    sums = (await stage.client.get(f"/batches/{batch}", headers=bearer(key))).json()
    assert (sums["failed"], sums["pending"], sums["reasons"]) == (2, 1, {"http_404": 2})


async def test_the_key_may_come_in_the_body_of_a_question(stage: Stage) -> None:
    key = await stage.account()
    asked = await stage.client.post("/fetch/media/by-ids", json={"ids": [], "apiKey": key})
    assert (asked.status_code, asked.json()) == (200, [])
    assert (await stage.client.post("/fetch/media/by-ids", json={"ids": [], "apiKey": "wrong"})).status_code == 401


async def test_filters_are_the_presets(stage: Stage) -> None:
    presets = (await stage.client.get("/filters")).json()
    assert [(preset["name"], preset["width"]) for preset in presets] == [
        ("tiny", 64),
        ("small", 192),
        ("medium", 512),
        ("large", 1280),
    ]
    assert all(len(preset["recipe"]) == 12 for preset in presets)
