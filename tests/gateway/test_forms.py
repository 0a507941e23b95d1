from typing import Any

import httpx
import pytest

from gateway.form_bodies import MOST_FIELDS
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.html_page import Page
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of

OURS = {"Sec-Fetch-Site": "same-origin"}
ACCOUNT, IMAGES = "/ui/account_setup", "/ui/dispatch_process"


async def send(
    stage: Stage, path: str, fields: dict[str, Any], headers: dict[str, str] | None = None
) -> httpx.Response:
    return await stage.client.post(path, data=fields, headers=OURS if headers is None else headers)


def values_of(page: Page) -> dict[str | None, str | None]:
    return {field["name"]: field.get("value") for field in page.elements["input"]}


async def test_an_account_made_by_the_form_shows_its_key_once(stage: Stage) -> None:
    answer = await send(stage, ACCOUNT, {"root": "museum", "approx": "5000", "mediaCallbackUrl": "", "apiKey": ""})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    text = Page(answer.text).text
    key, secret = text.partition("API key ")[2].split()[0], text.partition("webhook secret ")[2].split()[0]
    assert secret.startswith("whsec_")
    assert (await stage.dispatch(key, [url_of(1)])).status_code == 200
    again = await send(stage, ACCOUNT, {"root": "museum", "approx": "5000"})
    assert again.status_code == 401
    assert key not in again.text
    assert secret not in again.text


async def test_with_its_key_an_account_changes_only_what_is_filled_in(stage: Stage) -> None:
    key = await stage.account(mediaCallbackUrl="https://client.example/media")
    fields = {"root": "museum", "mediaCallbackUrl": "", "thumbCallbackUrl": "https://client.example/thumb"}
    answer = await send(stage, ACCOUNT, fields | {"apiKey": key})
    assert answer.status_code == 200
    assert "each image https://client.example/media each thumb https://client.example/thumb" in Page(answer.text).text
    assert key not in answer.text
    assert "whsec_" not in answer.text


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"approx": "7"}, 422, "root"),
        ({"root": "A"}, 422, "root"),
        ({"root": "museum", "approx": "many"}, 422, "approx"),
        ({"root": "museum", "mediaCallbackUrl": "http://10.0.0.1/"}, 422, "mediaCallbackUrl"),
        ({"root": "taken-one", "apiKey": "wrong"}, 401, "apiKey"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field(
    stage: Stage, fields: dict[str, str], status: int, field: str
) -> None:
    await stage.account("taken-one")
    answer = await send(stage, ACCOUNT, fields)
    page = Page(answer.text)
    assert answer.status_code == status
    assert "alert" in page.all("div", "role")
    assert f"#{field}" in page.all("a", "href")
    [told] = [one for one in page.elements["input"] if one.get("aria-invalid")]
    assert told["name"] == field
    assert (told["aria-describedby"] or "").split()[0] == f"{field}-fault"
    assert f"{field}-fault" in page.all("span", "id")
    kept = values_of(page)
    assert (kept["root"], kept["apiKey"]) == (fields.get("root", ""), "")


async def test_the_form_asks_for_the_registration_token(settings: Settings, prefect: PrefectStub) -> None:
    closed = settings.model_copy(update={"registration_token": "open sesame"})
    async with opened(Configuration.from_settings(closed), PrefectSettings(api_url=prefect.url)) as stage:
        assert "token" in values_of(Page((await stage.client.get(ACCOUNT)).text))
        assert (await send(stage, ACCOUNT, {"root": "museum"})).status_code == 401
        assert (await send(stage, ACCOUNT, {"root": "museum", "token": "wrong"})).status_code == 401
        assert (await send(stage, ACCOUNT, {"root": "museum", "token": "open sesame"})).status_code == 200


async def test_images_go_to_the_page_of_their_batch(stage: Stage) -> None:
    key = await stage.account()
    fields = {
        "root": "museum",
        "apiKey": key,
        "images": f"{url_of(1)}\r\n\r\n  {url_of(2)}  \r\nnonsense\r\n",
        "filters": ["tiny", "large"],
        "mediaCallbackUrl": "https://client.example/hook",
    }
    answer = await send(stage, IMAGES, fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/batches/1")
    page = Page((await stage.client.get("/ui/batches/1")).text)
    assert "0 done 2 pending 0 failed 1 rejected of 3" in page.text
    assert "tiny, large" in page.text
    sums = (await stage.client.get("/batches/1", headers=bearer(key))).json()
    assert (sums["accepted"], sums["rejected"]) == (2, 1)


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"images": " \r\n "}, 422, "nothing to do"),
        ({"apiKey": "wrong"}, 401, "unknown account, or wrong key"),
        ({"root": "nobody", "apiKey": "wrong"}, 401, "unknown account, or wrong key"),
        ({"root": "nobody"}, 403, "another account"),
        ({"filters": "huge"}, 422, "tiny, small, medium, large"),
        ({"thumbCallbackUrl": "gopher://x"}, 422, "thumbCallbackUrl"),
        ({"images": "\n".join(f"x{n}" for n in range(10_001))}, 413, "manifest"),
    ],
)
async def test_images_that_cannot_be_taken_leave_the_form_filled_in(
    stage: Stage, prefect: PrefectStub, change: dict[str, str], status: int, says: str
) -> None:
    key = await stage.account()
    fields = {"root": "museum", "apiKey": key, "images": url_of(1), "filters": "small", **change}
    answer = await send(stage, IMAGES, fields)
    page = Page(answer.text)
    assert answer.status_code == status
    assert says in page.text
    assert key not in answer.text
    assert fields["images"].strip() in answer.text
    assert [box["value"] for box in page.elements["input"] if "checked" in box] == ["small"] * (
        fields["filters"] == "small"
    )
    assert prefect.runs == {}


async def test_the_form_offers_the_presets_and_takes_the_account_from_its_address(stage: Stage) -> None:
    page = Page((await stage.client.get(f"{IMAGES}?root=museum")).text)
    assert [box["value"] for box in page.elements["input"] if box["type"] == "checkbox"] == [
        "tiny",
        "small",
        "medium",
        "large",
    ]
    assert values_of(page)["root"] == "museum"


@pytest.mark.parametrize("path", [ACCOUNT, IMAGES])
@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "http://gateway"}, True),
        ({"Origin": "http://127.0.0.1:8018"}, True),  # the public address, behind a proxy
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://gateway"}, False),
        ({"Origin": "http://gateway.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://[gateway"}, False),
        ({}, False),
    ],
)
async def test_forms_of_other_sites_are_refused(stage: Stage, path: str, headers: dict[str, str], taken: bool) -> None:
    key = await stage.account("museum")
    answer = await send(stage, path, {"root": "museum", "apiKey": key, "images": url_of(1)}, headers)
    assert (answer.status_code in {200, 303}) is taken
    if not taken:
        assert answer.status_code == 403
        assert (await stage.client.get("/batches/1", headers=bearer(key))).status_code == 404


@pytest.mark.parametrize("path", [ACCOUNT, IMAGES])
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"root=museum", "", 415),
        (b"root=\xff", "application/x-www-form-urlencoded", 422),
        (b"root=%ff", "application/x-www-form-urlencoded", 422),
        (b"a=b&" * (MOST_FIELDS + 1), "application/x-www-form-urlencoded", 422),
        (b"root=%00museum", "application/x-www-form-urlencoded", 422),
        (b"root=museum&approx=1&root=other&apiKey=%00", "application/x-www-form-urlencoded", 401),
        (b"a" * (17 * 2**20), "application/x-www-form-urlencoded", 413),
    ],
)
async def test_bodies_that_are_no_form_are_refused(
    stage: Stage, path: str, body: bytes, content_type: str, status: int
) -> None:
    await stage.account()
    headers = OURS | {"Content-Type": content_type}
    answer = await stage.client.post(path, content=body, headers=headers)
    expected = {401, 422} if b"%00" in body else {status}
    assert answer.status_code in expected


@pytest.mark.parametrize("path", [ACCOUNT, IMAGES])
async def test_what_was_sent_comes_back_escaped(stage: Stage, path: str) -> None:
    evil = "\"><script>alert('1')</script>"
    answer = await send(stage, path, {"root": evil, "images": "</textarea>" + evil, "filters": evil, "apiKey": evil})
    assert answer.status_code in {401, 422}
    assert "<script>alert" not in answer.text
    assert (await stage.client.get(IMAGES, params={"root": evil})).text.count("<script>alert") == 0


@pytest.mark.parametrize("path", [ACCOUNT, IMAGES])
async def test_every_field_has_its_label(stage: Stage, path: str) -> None:
    answer = await stage.client.get(path)
    page = Page(answer.text)
    assert answer.headers["Referrer-Policy"] == "same-origin"
    named = {field["id"] for field in page.elements["input"] if field["type"] != "checkbox"}
    named |= set(page.all("textarea", "id"))
    assert named <= set(page.all("label", "for"))


async def test_away_from_loopback_forms_need_the_token(settings: Settings, prefect: PrefectStub) -> None:
    exposed = settings.model_copy(update={"host": "0.0.0.0", "registration_token": "open sesame"})
    async with opened(Configuration.from_settings(exposed), PrefectSettings(api_url=prefect.url)) as stage:
        for path in (ACCOUNT, IMAGES):
            assert (await stage.client.get(path)).status_code == 401
            assert (await send(stage, path, {"root": "museum"})).status_code == 401
        assert (await stage.client.get("/ui/batches/1/events")).status_code == 401
