from datetime import timedelta

import pytest

from sais.accounts import rotate_key, signing_secrets
from sais.catalog.accounts import get_account
from sais.client import verify_webhook
from sais.configuration import Configuration
from sais.errors import Unauthorized
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais.webhooks.signing import signed_headers, signers_of
from sais_models.columns import utc_now
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of


async def test_setup_answers_as_the_contract_has_it(stage: Stage) -> None:
    answer = await stage.client.post("/account_setup", json={"root": "museum", "approx": 5000})
    body = answer.json()
    secret, created = body.pop("webhookSecret"), body.pop("createdAt")
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret.startswith("whsec_")
    assert created.startswith("20")
    assert len(body.pop("apiKey")) >= 40
    assert body == {
        "id": "museum",
        "userIdentifier": "museum",
        "root": "museum",
        "approxImageCount": 5000,
        "binCount": 64,
        "mediaCallbackUrl": None,
        "thumbCallbackUrl": None,
        "batchCallbackUrl": None,
        "config": {
            "root": "museum",
            "storageDepth": 1,
            "storagePath": "museum",
            "mediaCallbackUrl": None,
            "thumbCallbackUrl": None,
        },
    }


async def test_the_predecessors_names_work_too(stage: Stage) -> None:
    answer = await stage.client.post("/account_setup.json", json={"root": "museum", "estimated": 2_000_000})
    assert (answer.json()["approxImageCount"], answer.json()["binCount"]) == (2_000_000, 512)


@pytest.mark.parametrize("in_body", [True, False])
async def test_a_known_root_needs_its_key_and_changes_callbacks(stage: Stage, in_body: bool) -> None:
    key = await stage.account()
    change = {"root": "museum", "mediaCallbackUrl": "https://client.example/hook"}
    answer = await stage.client.post(
        "/account_setup",
        json=change | ({"apiKey": key} if in_body else {}),
        headers={} if in_body else bearer(key),
    )
    assert answer.status_code == 200
    assert answer.json()["mediaCallbackUrl"] == "https://client.example/hook"
    assert (answer.json()["apiKey"], answer.json()["webhookSecret"]) == (None, None)
    assert (await stage.client.post("/account_setup", json=change)).status_code == 401


async def test_the_key_of_another_account_is_403(stage: Stage) -> None:
    await stage.account("museum")
    other = await stage.account("other-one")
    answer = await stage.client.post("/account_setup", json={"root": "museum"}, headers=bearer(other))
    assert answer.status_code == 403


async def test_a_layout_cannot_change_under_media(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)])
    answer = await stage.client.post(
        "/account_setup", json={"root": "museum", "approx": 2_000_000}, headers=bearer(key)
    )
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "approx"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"root": "A"}, "root"),
        ({"root": "../etc"}, "root"),
        ({"root": "mus\0eum"}, "root"),
        ({"root": 3}, "root"),
        ({"root": "museum", "approx": 10**30}, "approx"),
        ({"root": "museum", "approx": 2**40}, "approx"),
        ({"root": "museum", "layout": "flat"}, "layout"),
        ({"root": "museum", "mediaCallbackUrl": "http://10.0.0.1/hook"}, "mediaCallbackUrl"),
        ({"root": "museum", "surprise": 1}, "surprise"),
    ],
)
async def test_bad_values_name_their_field(stage: Stage, body: dict[str, object], field: str) -> None:
    answer = await stage.client.post("/account_setup", json=body)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert field in [error["field"] for error in answer.json()["errors"]]


async def test_registration_may_need_a_token(settings: Settings, prefect: PrefectStub) -> None:
    closed = settings.model_copy(update={"registration_token": "tökén"})
    async with opened(Configuration.from_settings(closed), PrefectSettings(api_url=prefect.url)) as stage:
        body = {"root": "museum", "approx": 1}
        assert (await stage.client.post("/account_setup", json=body)).status_code == 401
        assert (await stage.client.post("/account_setup", json=body, headers=bearer("wrong"))).status_code == 401
        token = {b"Authorization": "Bearer tökén".encode("latin-1")}
        made = await stage.client.post("/account_setup", json=body, headers=token)
        assert made.status_code == 200
        again = {**body, "apiKey": made.json()["apiKey"]}
        assert (await stage.client.post("/account_setup", json=again, headers=token)).status_code == 200


@pytest.mark.parametrize("in_body", [True, False])
async def test_a_new_key_ends_the_former_one_at_once(stage: Stage, in_body: bool) -> None:
    former = await stage.account()
    body, headers = ({"root": "museum", "apiKey": former}, {}) if in_body else (None, bearer(former))
    answer = await stage.client.post("/account/rotate_key", json=body, headers=headers)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    key = answer.json()["apiKey"]
    assert len(key) >= 40
    assert key != former
    assert answer.json()["webhookSecret"] is None
    assert (await stage.dispatch(former, [url_of(1)])).status_code == 401
    assert (await stage.dispatch(key, [url_of(1)])).status_code == 200
    assert (await stage.client.post("/account/rotate_key", headers=bearer(former))).status_code == 401


@pytest.mark.parametrize("path", ["/account/rotate_key", "/account/rotate_webhook_secret"])
async def test_only_its_own_key_changes_an_accounts_secrets(stage: Stage, path: str) -> None:
    key = await stage.account("museum")
    other = await stage.account("other-one")
    before = await stage.state.database.read(get_account, "museum")
    for headers, status in [({}, 401), (bearer("wrong"), 401), (bearer(other), 403)]:
        answer = await stage.client.post(path, json={"root": "museum"}, headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    unknown = await stage.client.post(path, json={"root": "nobody"}, headers=bearer("wrong"))
    wrong = await stage.client.post(path, json={"root": "museum"}, headers=bearer("wrong"))
    assert unknown.content == wrong.content
    assert (await stage.client.post(path, json={"root": 3}, headers=bearer(key))).status_code == 422
    assert await stage.state.database.read(get_account, "museum") == before


async def test_of_two_rotations_with_one_key_one_is_refused(stage: Stage) -> None:
    await stage.account()
    account = await stage.state.database.read(get_account, "museum")
    await stage.state.database.write(rotate_key, account)
    with pytest.raises(Unauthorized):
        await stage.state.database.write(rotate_key, account)


async def test_a_former_webhook_secret_signs_for_a_day_more(stage: Stage) -> None:
    key = await stage.account()
    former = (await stage.state.database.read(get_account, "museum")).webhook_secret
    answer = await stage.client.post("/account/rotate_webhook_secret", headers=bearer(key))
    secret = answer.json()["webhookSecret"]
    assert answer.json()["apiKey"] is None
    account = await stage.state.database.read(get_account, "museum")
    now = utc_now()
    assert signing_secrets(account, now) == (secret, former)
    headers = signed_headers("msg_1", "{}", now, signers_of(signing_secrets(account, now)))
    assert [verify_webhook(b"{}", headers, known) for known in (secret, former)] == [{}, {}]
    assert signing_secrets(account, now + timedelta(days=1)) == (secret,)
