import base64

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Connection

from sais.catalog.bulk import update_rows
from sais.configuration import Configuration
from sais.imaging import encode_blurhash
from sais.reasons import explain
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import Media
from tests.gateway.conftest import opened
from tests.gateway.html_page import Page
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, url_of
from tests.support.pictures import RED, decoded

BLURHASH = encode_blurhash(np.asarray(Image.new("RGB", (32, 32), RED)))


async def show(stage: Stage, path: str) -> Page:
    answer = await stage.client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = Page(answer.text)
    # The policy would refuse it, and everything comes from here.
    assert "style" not in page.elements
    assert not [address for address in page.all("script", "src") if not address.startswith("/static/")]
    assert len(page.all("script", "src")) == len(page.elements.get("script", []))
    return page


def words(reason: str) -> str:
    explanation = explain(reason)
    assert explanation
    return f"{explanation.means} {explanation.remedy}"


async def change(stage: Stage, code: str, **values: object) -> None:
    def save(connection: Connection) -> None:
        update_rows(connection, Media, [{"code": code, **values}])

    await stage.state.database.write(save)


async def test_the_overview_counts_by_marking_and_lists_batches(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    await stage.account("other-one")
    await stage.dispatch(key, [url_of(1), url_of(2), "nonsense"], filters=["small"], lane="bulk")
    await stage.finish(url_of(1))
    page = await show(stage, "/")
    assert "okay · waiting: 1 images in 1 batches" in page.text
    assert "museum 1 0 0 1 0 2" in page.text
    assert "other-one 0 0 0 0 0 0" in page.text
    assert "1 done 1 pending 0 failed 1 rejected of 3" in page.text
    assert "/ui/batches/1" in page.all("a", "href")
    ui = prefect.url.removesuffix("/api")
    assert ui in page.all("a", "href")
    assert f"{ui}/runs/flow-run/{next(iter(prefect.runs))}" in page.all("a", "href")


async def test_the_overview_shows_the_thumbs_of_the_newest_batches(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(number) for number in range(30)], filters=["small"])
    await stage.dispatch(key, [url_of(40)], filters=["small"])
    paths = [await stage.finish(url_of(number)) for number in (*range(28), 40)]
    thumbs = [image["src"] for image in (await show(stage, "/")).elements["img"] if image["class"] == "thumb"]
    assert thumbs[0] == f"/media/cache/small/{paths[-1]}"
    assert thumbs[1] == f"/media/cache/small/{paths[27]}"
    assert len(thumbs) == 24


async def test_an_empty_gateway_says_what_to_do(stage: Stage) -> None:
    page = await show(stage, "/")
    assert "sais register" in page.text
    assert page.all("a", "href").count("/ui/account_setup") == 2


async def test_a_batch_shows_its_pictures_and_its_failures(stage: Stage) -> None:
    key = await stage.account()
    secret = "https://user:hush@photos.example/gone.jpg?token=hush"
    images = [url_of(1), secret, "ftp://photos.example/x.jpg", url_of(2)]
    await stage.dispatch(key, images, filters=["small"], lane="bulk")
    path = await stage.finish(url_of(1))
    await stage.fail(secret, "http_404")
    answer = await stage.client.get("/ui/batches/1")
    page = await show(stage, "/ui/batches/1")
    assert page.elements["img"] == [
        {
            "class": "thumb",
            "src": f"/media/cache/small/{path}",
            "width": "192",
            "height": "128",
            "loading": "lazy",
            "decoding": "async",
            "alt": "1.jpg",
        }
    ]
    assert "1 done 1 pending 1 failed 1 rejected of 4" in page.text
    assert f"bad_scheme 1 {words('bad_scheme')} ftp://photos.example/x.jpg" in page.text
    assert f"http_404 1 {words('http_404')} https://photos.example/gone.jpg" in page.text
    assert "hush" not in answer.text
    assert page.all("div", "data-settled") == ["no"]
    assert page.all("script", "src") == ["/static/pictures.js", "/static/batch.js"]
    assert page.all("div", "data-events") == ["/ui/batches/1/events"]
    assert page.all("meta", "http-equiv") == ["refresh"]
    assert any("/runs/flow-run/" in address for address in page.all("a", "href"))
    assert (await stage.client.get(page.all("img", "src")[0])).content == b"picture"


async def test_a_settled_batch_is_not_asked_for_again(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)], filters=["small"])
    await stage.finish(url_of(1))
    page = await show(stage, "/ui/batches/1")
    assert page.all("div", "data-settled") == ["yes"]
    assert page.all("script", "src") == ["/static/pictures.js"]
    assert page.all("div", "data-events") == page.all("meta", "http-equiv") == []


async def test_two_hundred_pictures_a_page(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(number) for number in range(450)])
    pages = [await show(stage, f"/ui/batches/1?page={number}") for number in (1, 2, 3, 4)]
    assert [len(page.all("span", "title")) for page in pages] == [200, 200, 50, 0]
    assert pages[0].all("span", "title")[0] == url_of(0)
    assert pages[2].all("span", "title")[-1] == url_of(449)
    turns = [[address for address in page.all("a", "href") if address.startswith("?")] for page in pages]
    assert [turn[: len(turn) // 2] for turn in turns] == [["?page=2"], ["?page=1", "?page=3"], ["?page=2"], ["?page=3"]]


async def test_everything_is_escaped(stage: Stage) -> None:
    key = await stage.account()
    evil = "https://photos.example/\"><script>alert('1')</script>"
    await stage.dispatch(key, [evil, "x:<img src=y onerror=alert(1)>"], filters=["small"])
    await stage.finish(evil)
    page = await show(stage, "/ui/batches/1")
    assert page.all("script", "src") == ["/static/pictures.js"]
    assert [image.get("onerror") for image in page.elements["img"]] == [None]


async def test_the_page_of_one_image(stage: Stage) -> None:
    key = await stage.account()
    [row] = (await stage.dispatch(key, [url_of(1) + "?token=hush"], filters=["small"])).json()
    path = await stage.finish(url_of(1) + "?token=hush")
    facts = {"phash": "ff00ff00ff00ff00", "colors": ["#dc1e1e", "#1ea03c"], "exif": {"Model": "Box <1>"}}
    await change(stage, row["code"], blurhash=BLURHASH, **facts)
    page = await show(stage, f"/media/{row['code']}")
    blur, thumb = page.all("img", "src")
    assert blur.startswith("data:image/png;base64,")
    assert thumb == f"/media/cache/small/{path}"
    assert "300 \N{MULTIPLICATION SIGN} 200" in page.text
    assert "#dc1e1e #1ea03c" in page.text
    assert page.all("rect", "fill") == ["#dc1e1e", "#1ea03c"]
    assert "ff00ff00ff00ff00" in page.text
    assert "Model Box <1>" in page.text
    assert "hush" not in page.text


async def test_a_failed_image_says_why_in_plain_words(stage: Stage) -> None:
    key = await stage.account()
    [row] = (await stage.dispatch(key, [url_of(1)], filters=["small"])).json()
    await stage.fail(url_of(1), "not_image")
    page = await show(stage, f"/media/{row['code']}")
    assert f"failed · not_image · {words('not_image')}" in page.text


async def test_a_blurhash_is_shown_under_its_thumb_in_its_proportions(stage: Stage) -> None:
    key = await stage.account()
    [row] = (await stage.dispatch(key, [url_of(1)], filters=["small"])).json()
    await stage.finish(url_of(1))
    await change(stage, row["code"], blurhash=BLURHASH)
    blur, thumb = (await show(stage, "/ui/batches/1")).elements["img"]
    assert (blur["alt"], thumb["alt"]) == ("", "1.jpg")
    data = base64.b64decode((blur["src"] or "").removeprefix("data:image/png;base64,"))
    picture = decoded(data).convert("RGB")
    assert picture.size == (8, 5)
    red, green, blue = np.asarray(picture, dtype=float).mean((0, 1))
    assert red > green + 50
    assert red > blue + 50


@pytest.mark.parametrize("path", ["/ui/batches/99", "/media/0123456789abcdef", "/media/nonsense"])
async def test_pages_of_nothing_are_pages(stage: Stage, path: str) -> None:
    answer = await stage.client.get(path)
    assert answer.status_code == 404
    assert "Not found" in Page(answer.text).text


async def test_every_operation_is_on_the_page_of_the_api(stage: Stage) -> None:
    page = await show(stage, "/docs")
    schema = (await stage.client.get("/openapi.json")).json()
    for path in schema["paths"]:
        assert path in page.text
    assert "/dispatch_process" in schema["paths"]
    assert "/dispatch_process.json" not in schema["paths"]


async def test_away_from_loopback_the_pages_need_the_token(settings: Settings, prefect: PrefectStub) -> None:
    exposed = settings.model_copy(update={"host": "0.0.0.0", "registration_token": "open sesame"})
    async with opened(Configuration.from_settings(exposed), PrefectSettings(api_url=prefect.url)) as stage:
        for path in ("/", "/ui/batches/1", "/media/0123456789abcdef"):
            refused = await stage.client.get(path)
            assert (refused.status_code, refused.headers["WWW-Authenticate"][:5]) == (401, "Basic")
            assert (await stage.client.get(path, auth=("me", "wrong"))).status_code == 401
        assert (await stage.client.get("/", auth=("me", "open sesame"))).status_code == 200
        assert (await stage.client.get("/status")).status_code == 200
