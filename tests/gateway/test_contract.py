"""The rows of the contract, each by its words: what an application may rely on. Sending images is in
test_contract_sending.py, the details in the other tests here.
"""

import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.__main__ import check_exposure
from sais import accounts
from sais.catalog.accounts import get_account
from sais.configuration import Configuration
from sais.errors import SettingsError
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.contract import ACCOUNT, BATCH, CONFIG, MEDIA, META, SETUP, check_problem
from tests.gateway.html_page import Page
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of


@pytest.fixture
async def closed(settings: Settings, prefect: PrefectStub) -> AsyncIterator[Stage]:
    """A gateway with a registration token."""
    changed = settings.model_copy(update={"registration_token": "open sesame"})
    async with opened(Configuration.from_settings(changed), PrefectSettings(api_url=prefect.url)) as stage:
        yield stage


# What clients see


def test_the_gateway_listens_on_127_0_0_1_by_default(settings: Settings) -> None:
    assert (settings.host, settings.port) == ("127.0.0.1", 8018)


async def test_errors_name_each_bad_field_and_bad_input_is_never_a_500(stage: Stage) -> None:
    key = await stage.account()
    body = {"root": "museum", "images": [{"url": 3}], "wait": "perhaps"}
    answer = await stage.client.post("/dispatch_process", json=body, headers=bearer(key))
    fields = [error["field"] for error in check_problem(answer, 422)["errors"]]
    assert "wait" in fields
    assert any(field.startswith("images.0") for field in fields)
    check_problem(await stage.client.get("/nothing/here"), 404)
    check_problem(await stage.client.get("/dispatch_process"), 405)


async def test_openapi_and_docs(stage: Stage) -> None:
    assert (await stage.client.get("/openapi.json")).json()["openapi"].startswith("3.")
    assert "/dispatch_process" in Page((await stage.client.get("/docs")).text).text


# Keys


async def test_a_key_is_stored_only_as_a_hash(stage: Stage) -> None:
    key = await stage.account()
    account = await stage.state.database.read(get_account, "museum")
    assert key not in account.model_dump_json()
    assert account.key_hash == accounts.hash_key(key)


async def test_the_key_comes_as_bearer_or_in_the_body(stage: Stage) -> None:
    key = await stage.account()
    body = {"root": "museum", "images": [url_of(1)]}
    assert (await stage.client.post("/dispatch_process", json=body, headers=bearer(key))).status_code == 200
    assert (await stage.client.post("/dispatch_process", json=body | {"apiKey": key})).status_code == 200


def test_keys_are_compared_in_constant_time() -> None:
    assert "compare_digest" in inspect.getsource(accounts.authenticate)


@pytest.mark.parametrize("path", ["/dispatch_process", "/account_setup"])
async def test_a_wrong_key_and_an_unknown_root_give_the_same_401(stage: Stage, path: str) -> None:
    await stage.account()
    body = {"images": [url_of(1)]} if path == "/dispatch_process" else {}
    roots = ("museum", "nobody") if path == "/dispatch_process" else ("museum",)
    answers = [
        await stage.client.post(path, json=body | {"root": root}, headers=bearer(key))
        for root in roots
        for key in ("wrong", "")
    ]
    for answer in answers:
        check_problem(answer, 401)
    assert len({answer.content for answer in answers}) == 1


async def test_the_key_of_one_account_used_for_another_is_403(stage: Stage) -> None:
    key = await stage.account()
    other = await stage.account("other-one")
    [row] = (sent := await stage.dispatch(key, [url_of(1)])).json()
    batch = sent.headers["X-Sais-Batch"]
    asked = {"root": "museum", "images": [url_of(1)]}
    for answer in (
        await stage.client.post("/dispatch_process", json=asked, headers=bearer(other)),
        await stage.client.post("/account_setup", json={"root": "museum"}, headers=bearer(other)),
        await stage.client.get(f"/batches/{batch}", headers=bearer(other)),
        await stage.client.get(f"/fetch/media/{row['code']}", headers=bearer(other)),
    ):
        check_problem(answer, 403)


async def test_reading_needs_the_key_and_image_bytes_are_public(stage: Stage) -> None:
    key = await stage.account()
    [row] = (await stage.dispatch(key, [url_of(1)], filters=["small"])).json()
    path = await stage.finish(url_of(1))
    for address in ("/batches/1", f"/fetch/media/{row['code']}", f"/fetch/media/by-ids?id={row['code']}"):
        check_problem(await stage.client.get(address), 401)
    check_problem(await stage.client.post("/fetch/media/by-ids", json={"ids": [row["code"]]}), 401)
    assert (await stage.client.get(f"/media/cache/small/{path}")).content == b"picture"


async def test_making_an_account_needs_the_registration_token_where_there_is_one(closed: Stage) -> None:
    check_problem(await closed.client.post("/account_setup", json=SETUP), 401)
    answer = await closed.client.post("/account_setup", json=SETUP, headers=bearer("open sesame"))
    assert answer.status_code == 200


def test_exposure_without_a_registration_token_is_refused_and_says_why(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="SAIS_REGISTRATION_TOKEN"):
        check_exposure(settings.model_copy(update={"host": "0.0.0.0"}))


# Accounts


@pytest.mark.parametrize("path", ["/account_setup", "/account_setup.json"])
async def test_account_setup_answers_these_names(stage: Stage, path: str) -> None:
    body = (await stage.client.post(path, json=SETUP)).json()
    assert set(body) == ACCOUNT
    assert set(body["config"]) == CONFIG
    assert (body["id"], body["userIdentifier"], body["root"]) == ("test", "test", "test")
    assert (body["approxImageCount"], body["binCount"]) == (5000, 64)
    assert body["apiKey"]
    assert body["webhookSecret"].startswith("whsec_")


async def test_the_key_and_the_secret_are_null_when_the_account_was_there_before(stage: Stage) -> None:
    key = (await stage.client.post("/account_setup", json=SETUP)).json()["apiKey"]
    change = {"root": "test", "apiKey": key, "thumbCallbackUrl": "https://client.example/thumb"}
    body = (await stage.client.post("/account_setup", json=change)).json()
    assert set(body) == ACCOUNT
    assert (body["apiKey"], body["webhookSecret"]) == (None, None)
    assert body["thumbCallbackUrl"] == body["config"]["thumbCallbackUrl"] == "https://client.example/thumb"
    check_problem(await stage.client.post("/account_setup", json=SETUP), 401)


async def test_estimated_is_another_name_of_approx(stage: Stage) -> None:
    answer = await stage.client.post("/account_setup", json={"root": "rpc", "estimated": 100})
    assert answer.json()["approxImageCount"] == 100


@pytest.mark.parametrize(
    ("root", "taken"),
    [
        ("abc", True),
        ("0-_", True),
        ("a" * 50, True),
        ("ab", False),
        ("a" * 51, False),
        ("-ab", False),
        ("_ab", False),
        ("Abc", False),
        ("a.b", False),
        ("ab\n", False),
        ("äbc", False),
    ],
)
async def test_root_is_3_to_50_of_these_letters(stage: Stage, root: str, taken: bool) -> None:
    answer = await stage.client.post("/account_setup", json={"root": root, "approx": 1})
    assert answer.status_code == (200 if taken else 422)


@pytest.mark.parametrize("change", [{"approx": 2_000_000}, {"layout": "hex22"}])
async def test_changing_the_layout_is_409_only_once_there_are_media(stage: Stage, change: dict[str, Any]) -> None:
    key = await stage.account()
    back = {"approx": 100, "layout": "octal2"}
    for values in (change, back):
        answer = await stage.client.post("/account_setup", json={"root": "museum", **values}, headers=bearer(key))
        assert answer.status_code == 200
    await stage.dispatch(key, [url_of(1)])
    answer = await stage.client.post("/account_setup", json={"root": "museum", **change}, headers=bearer(key))
    check_problem(answer, 409)
    same = {"root": "museum", "approx": 900_000}
    assert (await stage.client.post("/account_setup", json=same, headers=bearer(key))).status_code == 200


async def test_key_rotation(stage: Stage) -> None:
    key = await stage.account()
    body = (await stage.client.post("/account/rotate_key", headers=bearer(key))).json()
    assert set(body) == ACCOUNT
    check_problem(await stage.dispatch(key, [url_of(1)]), 401)
    assert (await stage.dispatch(body["apiKey"], [url_of(1)])).status_code == 200


# Asking


async def test_media_by_ids_answers_these_names(stage: Stage) -> None:
    key = await stage.account()
    images = [{"url": url_of(1), "context": {"objId": 7}}, url_of(2)]
    one, two = [row["code"] for row in (await stage.dispatch(key, images, filters=["small"])).json()]
    path = await stage.finish(url_of(1))
    answers = [
        (await stage.client.get(f"/fetch/media/by-ids?id={one},{two}", headers=bearer(key))).json(),
        (await stage.client.get(f"/fetch/media/by-ids?ids[]={one}&ids[]={two}", headers=bearer(key))).json(),
        (await stage.client.post("/fetch/media/by-ids", json={"ids": [one, two]}, headers=bearer(key))).json(),
    ]
    assert answers[0] == answers[1] == answers[2]
    assert [(set(info), set(info["meta"])) for info in answers[0]] == [(MEDIA, META)] * 2
    info = (await stage.client.get(f"/fetch/media/{one}", headers=bearer(key))).json()
    assert info == answers[0][0]
    assert (info["id"], info["source"], info["context"]) == (one, url_of(1), {"objId": 7, "saisCode": one})
    assert list(info["thumbs"]) == ["small"]
    assert info["thumbs"]["small"].endswith(f"/media/cache/small/{path}")


async def test_a_batch_has_these_sums(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1), url_of(2), url_of(3), "nonsense"], filters=["small"], lane="bulk")
    await stage.finish(url_of(1))
    await stage.fail(url_of(2), "http_404")
    sums = (await stage.client.get("/batches/1", headers=bearer(key))).json()
    assert set(sums) == BATCH
    assert sums["submitted"] == sums["accepted"] + sums["rejected"] == 4
    assert sums["accepted"] == sums["pending"] + sums["done"] + sums["failed"] == 3
    assert sums["reasons"] == {"http_404": 1, "bad_url": 1}
    assert (sums["id"], sums["root"], sums["settled"]) == (1, "museum", False)


async def test_filters_are_the_presets(stage: Stage) -> None:
    assert {preset["name"] for preset in (await stage.client.get("/filters")).json()} == {
        "tiny",
        "small",
        "medium",
        "large",
    }


async def test_status_is_okay_when_idle(stage: Stage) -> None:
    assert (await stage.client.get("/status")).json()["status"] == "okay"


async def test_status_is_stalled_when_work_waits_and_nothing_takes_it(stage: Stage, prefect: PrefectStub) -> None:
    prefect.worker = None
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)])
    assert (await stage.client.get("/status")).json()["status"] == "stalled"


async def test_status_is_blocked_when_nothing_can_be_kept(stage: Stage) -> None:
    archive = stage.state.settings.home / "archive"
    archive.write_text("no folder")
    assert (await stage.client.get("/status")).json()["status"] == "blocked"


async def test_metrics_are_prometheus(stage: Stage) -> None:
    answer = await stage.client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE sais_" in answer.text


# Pages


async def test_the_pages(stage: Stage) -> None:
    key = await stage.account()
    [row] = (await stage.dispatch(key, [url_of(1)], filters=["small"])).json()
    await stage.fail(url_of(1), "http_404")
    paths = ["/", "/ui/account_setup", "/ui/dispatch_process", "/ui/batches/1", f"/media/{row['code']}"]
    pages = [Page((await stage.client.get(path)).text) for path in paths]
    assert "museum 0 0 0 0 1 1" in pages[0].text
    assert pages[1].all("form", "action") == ["/ui/account_setup"]
    assert pages[2].all("form", "action") == ["/ui/dispatch_process"]
    assert "http_404" in pages[3].text
    assert "Pictures" in pages[3].text
    assert row["code"] in pages[4].text
