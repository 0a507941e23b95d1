"""`POST /batches/{id}/cancel`, the form that does the same, and the summary that says so."""

import json

import httpx
import pytest
from sqlalchemy import select

from sais.catalog.bulk import table_of
from sais.catalog.rows import all_rows
from sais_models import Delivery, DeliveryKind
from tests.gateway.html_page import Page
from tests.gateway.stage import Stage, bearer, url_of

SUMMARIES = "https://client.example/summaries"


@pytest.fixture
async def key(stage: Stage) -> str:
    """A batch of which one image is done, one failed, one rejected and two wait."""
    key = await stage.account(batchCallbackUrl=SUMMARIES)
    await stage.dispatch(key, [*(url_of(number) for number in range(4)), "ftp://a.example/"], filters=["small"])
    await stage.finish(url_of(0))
    await stage.fail(url_of(1), "http_404")
    return key


async def summaries(stage: Stage) -> list[Delivery]:
    statement = select(table_of(Delivery)).where(table_of(Delivery).c.kind == DeliveryKind.SUMMARY)
    return await stage.state.database.read(lambda connection: all_rows(connection, Delivery, statement))


async def test_what_waits_is_cancelled_and_what_is_done_stays(stage: Stage, key: str) -> None:
    answer = await stage.client.post("/batches/1/cancel", headers=bearer(key))
    sums = answer.json()
    assert answer.status_code == 200
    assert (sums["marking"], sums["settled"], sums["pending"]) == ("cancelled", True, 0)
    assert (sums["done"], sums["failed"], sums["cancelled"], sums["rejected"]) == (1, 1, 2, 1)
    assert sums["accepted"] == sums["pending"] + sums["done"] + sums["failed"] + sums["cancelled"]
    assert sums["reasons"] == {"cancelled": 2, "bad_scheme": 1, "http_404": 1}
    [told] = await summaries(stage)
    assert (told.url, json.loads(told.body)) == (SUMMARIES, sums | {"flowRunUrl": None})
    again = await stage.client.post("/batches/1/cancel", headers=bearer(key))
    assert again.json() == (await stage.client.get("/batches/1", headers=bearer(key))).json() == sums
    assert len(await summaries(stage)) == 1


async def test_another_batch_that_wants_the_same_image_goes_on(stage: Stage, key: str) -> None:
    await stage.dispatch(key, [url_of(3)], filters=["small"])
    await stage.client.post("/batches/1/cancel", headers=bearer(key))
    assert (await stage.client.get("/batches/2", headers=bearer(key))).json()["pending"] == 1
    await stage.finish(url_of(3))
    assert (await stage.client.get("/batches/2", headers=bearer(key))).json()["done"] == 1
    assert (await stage.client.get("/batches/1", headers=bearer(key))).json()["cancelled"] == 2


async def test_a_batch_that_settles_is_told_to_its_own_address(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(0)], filters=["small"], batchCallbackUrl=SUMMARIES)
    assert await summaries(stage) == []
    await stage.finish(url_of(0))
    [told] = await summaries(stage)
    assert (told.url, json.loads(told.body)["marking"], json.loads(told.body)["done"]) == (SUMMARIES, "settled", 1)
    late = (await stage.client.post("/batches/1/cancel", headers=bearer(key))).json()
    assert (late["marking"], late["done"], late["cancelled"]) == ("settled", 1, 0)


@pytest.mark.parametrize("where", ["/account_setup", "/dispatch_process"])
async def test_the_address_goes_through_the_guard(stage: Stage, where: str) -> None:
    key = await stage.account()
    body = {"root": "museum", "batchCallbackUrl": "http://10.0.0.1/hook", "apiKey": key}
    more = {"images": [url_of(1)]} if where == "/dispatch_process" else {}
    answer = await stage.client.post(where, json=body | more)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "batchCallbackUrl")


@pytest.mark.parametrize(
    ("batch", "token", "status"), [(1, "wrong", 401), (99, None, 404), (0, None, 422), (1, "other", 403)]
)
async def test_who_may(stage: Stage, key: str, batch: int, token: str | None, status: int) -> None:
    if token == "other":
        token = await stage.account("library")
    answer = await stage.client.post(f"/batches/{batch}/cancel", headers=bearer(token or key))
    assert answer.status_code == status
    assert (await stage.client.get("/batches/1", headers=bearer(key))).json()["pending"] == 2


async def send_form(stage: Stage, key: str, **headers: str) -> httpx.Response:
    fields = {"apiKey": key}
    return await stage.client.post(
        "/ui/batches/1/cancel", data=fields, headers={"sec-fetch-site": "same-origin"} | headers
    )


async def test_the_button_on_the_page(stage: Stage, key: str) -> None:
    page = Page((await stage.client.get("/ui/batches/1")).text)
    assert page.all("form", "action") == ["/ui/batches/1/cancel"]
    assert (await send_form(stage, key, **{"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await send_form(stage, "wrong")).status_code == 401
    assert (await stage.client.get("/batches/1", headers=bearer(key))).json()["pending"] == 2
    answer = await send_form(stage, key)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/batches/1")
    page = Page((await stage.client.get("/ui/batches/1")).text)
    assert page.all("form", "action") == []
    assert "2 cancelled" in page.text


async def test_the_tool(stage: Stage, key: str) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/cancel_batch", "params": {"batch": 1, "apiKey": key}}
    answer = (await stage.client.post("/tools", json=call)).json()
    assert (answer["result"]["marking"], answer["result"]["cancelled"]) == ("cancelled", 2)
