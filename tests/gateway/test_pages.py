import pytest

from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.html_page import Page
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, url_of


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


async def test_the_overview_counts_by_marking_and_lists_batches(stage: Stage, prefect: PrefectStub) -> None:
    key = await stage.account()
    await stage.account("other-one")
    await stage.dispatch(key, [url_of(1), url_of(2), "nonsense"], filters=["small"])
    await stage.finish(url_of(1))
    page = await show(stage, "/")
    assert "okay · waiting: 1 images in 1 batches" in page.text
    assert "museum 1 0 0 1 0 2" in page.text
    assert "other-one 0 0 0 0 0 0" in page.text
    assert "1 done 1 pending 0 failed 1 rejected of 3" in page.text
    assert "/ui/batches/1" in page.all("a", "href")
    assert prefect.url.removesuffix("/api") in page.all("a", "href")


async def test_an_empty_gateway_says_what_to_do(stage: Stage) -> None:
    assert "sais register" in (await show(stage, "/")).text


async def test_a_batch_shows_its_pictures_and_its_failures(stage: Stage) -> None:
    key = await stage.account()
    secret = "https://user:hush@photos.example/gone.jpg?token=hush"
    await stage.dispatch(key, [url_of(1), secret, "ftp://photos.example/x.jpg", url_of(2)], filters=["small"])
    path = await stage.finish(url_of(1))
    await stage.fail(secret, "http_404")
    answer = await stage.client.get("/ui/batches/1")
    page = await show(stage, "/ui/batches/1")
    assert page.elements["img"] == [
        {
            "src": f"/media/cache/small/{path}",
            "width": "192",
            "height": "128",
            "loading": "lazy",
            "decoding": "async",
            "alt": "1.jpg",
        }
    ]
    assert "1 done 1 pending 1 failed 1 rejected of 4" in page.text
    assert "bad_scheme 1 ftp://photos.example/x.jpg http_404 1 https://photos.example/gone.jpg" in page.text
    assert "hush" not in answer.text
    assert page.all("div", "data-settled") == ["no"]
    assert page.all("script", "src") == ["/static/refresh.js"]
    assert any("/runs/flow-run/" in address for address in page.all("a", "href"))
    assert (await stage.client.get(page.all("img", "src")[0])).content == b"picture"


async def test_a_settled_batch_is_not_asked_for_again(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)], filters=["small"])
    await stage.finish(url_of(1))
    page = await show(stage, "/ui/batches/1")
    assert page.all("div", "data-settled") == ["yes"]
    assert "script" not in page.elements


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
    assert page.all("script", "src") == ["/static/refresh.js"] or "script" not in page.elements
    assert [image.get("onerror") for image in page.elements["img"]] == [None]


async def test_the_page_of_one_image(stage: Stage) -> None:
    key = await stage.account()
    [row] = (await stage.dispatch(key, [url_of(1) + "?token=hush"], filters=["small"])).json()
    path = await stage.finish(url_of(1) + "?token=hush")
    page = await show(stage, f"/media/{row['code']}")
    assert page.all("img", "src") == [f"/media/cache/small/{path}"]
    assert "300 \N{MULTIPLICATION SIGN} 200" in page.text
    assert "hush" not in page.text


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
