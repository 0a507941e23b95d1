"""What people do with the pages, in a real browser."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from sais.pipeline.plan import Order
from sais.settings import Settings
from tests.browser.conftest import Visitor
from tests.gateway.stage import bearer, url_of
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Status

# The browser lives in one loop for all tests.
pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = "a-very-long-name-of-one-single-object-in-the-collection-" * 3


async def work(settings: Settings, batch: int) -> None:
    """As a flow run does it."""
    museum = Museum(settings)
    async with museum.run() as resources:
        await museum.ingest(resources, Order("museum", batch=batch))


def serve_pictures(origin: Origin) -> tuple[str, str, str]:
    """Two pictures and one that is gone."""
    picture = Content(encoded(quarters(), "JPEG"))
    return (
        origin.serve("/one.jpg", picture),
        origin.serve("/two.jpg", Content(encoded(quarters(300, 400), "JPEG"))),
        origin.serve("/gone.jpg", Status(404)),
    )


async def register(page: Page) -> str:
    """Through the form; returns the key."""
    await page.get_by_label("Name").fill("museum")
    await page.get_by_role("button", name="Set up").click()
    await expect(page.get_by_role("status")).to_contain_text("never shown again")
    return await page.locator("#api-key").inner_text()


async def test_register_send_and_see_the_contact_sheet_fill(
    visitor: Visitor, settings: Settings, origin: Origin
) -> None:
    page = await visitor.page("/ui/account_setup")
    key = await register(page)
    await page.get_by_role("link", name="Send images").last.click()
    await expect(page.get_by_label("Account", exact=True)).to_have_value("museum")
    await page.get_by_label("API key").fill(key)
    await page.get_by_label("Addresses").fill("\n".join(serve_pictures(origin)))
    await page.get_by_label("small").check()
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url("**/ui/batches/1")
    await expect(page.locator("#state")).to_have_text("at work")
    await expect(page.locator(".blank")).to_have_count(3)
    await page.evaluate("window.sameDocument = true")

    await work(settings, 1)

    await expect(page.locator("#state")).to_have_text("settled")
    await expect(page.locator("[data-sum=done]")).to_have_text("2")
    await expect(page.locator("[data-sum=failed]")).to_have_text("1")
    await expect(page.locator("#failures")).to_contain_text("http_404")
    await expect(page.locator("#failures")).to_contain_text("The server answered 404")
    await expect(page.locator("#said")).to_have_text("Settled: 2 done, 1 failed")
    thumbs = page.locator("img.thumb")
    await expect(thumbs).to_have_count(2)
    await expect(thumbs.first).to_have_js_property("naturalWidth", 192)
    assert await page.evaluate("window.sameDocument")

    await page.get_by_role("link", name="gone.jpg").click()
    await expect(page.locator("main")).to_contain_text("The server answered 404")
    await page.go_back()
    await page.get_by_role("link", name="one.jpg", exact=True).click()
    await expect(page.locator("main")).to_contain_text("400 \N{MULTIPLICATION SIGN} 300")
    await expect(page.locator(".colours rect").first).to_be_visible()
    assert visitor.complaints == []


async def test_a_batch_is_cancelled_from_its_page(visitor: Visitor, origin: Origin) -> None:
    key = await visitor.stage.account()
    await visitor.stage.dispatch(key, list(serve_pictures(origin)), filters=["small"])
    page = await visitor.page("/ui/batches/1")
    await expect(page.locator("#state")).to_have_text("at work")
    await page.get_by_text("Cancel this batch").click()
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Cancel the batch").click()
    await expect(page.locator("#state")).to_have_text("cancelled")
    await expect(page.locator("[data-sum=cancelled]")).to_have_text("3")
    await expect(page.locator("#cancel")).to_have_count(0)
    assert visitor.complaints == []


async def test_without_scripts_the_page_comes_again_by_itself(
    visitor: Visitor, settings: Settings, origin: Origin
) -> None:
    page = await visitor.page("/ui/account_setup", java_script_enabled=False)
    key = await register(page)
    await page.goto("/ui/dispatch_process?root=museum")
    await page.get_by_label("API key").fill(key)
    await page.get_by_label("Addresses").fill(serve_pictures(origin)[0])
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#state")).to_have_text("at work")
    await work(settings, 1)
    await expect(page.locator("#state")).to_have_text("settled")
    await expect(page.locator("img.thumb")).to_be_visible()


async def test_the_blurred_picture_is_shown_until_the_thumb_has_loaded(
    visitor: Visitor, settings: Settings, origin: Origin
) -> None:
    key = await visitor.stage.account()
    await visitor.stage.dispatch(key, [serve_pictures(origin)[0]], filters=["small"])
    await work(settings, 1)
    page = await visitor.page("/")
    asked, open_door = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await open_door.wait()
        await route.continue_()

    await page.route("**/media/cache/**", hold)
    await page.goto("/ui/batches/1", wait_until="commit")
    await asked.wait()
    blur = page.locator("img.blur")
    await expect(blur).to_be_visible()
    assert await blur.evaluate("image => image.naturalWidth") == 8
    open_door.set()
    await expect(blur).to_be_hidden()
    assert visitor.complaints == []


async def test_what_is_wrong_is_told_and_keeps_what_was_written(visitor: Visitor) -> None:
    page = await visitor.page("/ui/dispatch_process")
    await page.get_by_label("Account", exact=True).fill("nobody")
    await page.get_by_label("API key").fill("wrong")
    await page.get_by_label("Addresses").fill(url_of(1))
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("alert")).to_contain_text("API key")
    await expect(page.get_by_label("Addresses")).to_have_value(url_of(1))
    await expect(page.get_by_label("API key")).to_have_value("")
    await expect(page.get_by_label("API key")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("API key")).to_have_accessible_description("unknown account, or wrong key")


async def test_forms_work_where_browsers_send_only_the_origin(visitor: Visitor) -> None:
    port = visitor.stage.client.base_url.port
    page = await visitor.page(f"http://sais.example:{port}/ui/account_setup")
    assert await register(page)
    assert visitor.complaints == []


@pytest.mark.parametrize("host", ["127.0.0.1", "sais.example"])
async def test_a_form_of_another_site_makes_nothing(visitor: Visitor, origin: Origin, host: str) -> None:
    target = f"http://{host}:{visitor.stage.client.base_url.port}/ui/account_setup"
    form = f'<form method=post action="{target}"><input name=root value=museum><button>Win</button></form>'
    origin.serve("/win", Content(form.encode(), "text/html"))
    page = await visitor.page(origin.url("/win", host="evil.example"))
    async with page.expect_response("**/ui/account_setup") as answered:
        await page.get_by_role("button").click()
    assert (await answered.value).status == 403
    assert "museum" not in await (await visitor.page("/")).inner_text("main")


async def pages_with_everything(visitor: Visitor, settings: Settings, origin: Origin) -> list[str]:
    key = await visitor.stage.account()
    picture = Content(encoded(quarters(), "JPEG"))
    images = [origin.serve(f"/{number}-{LONG}.jpg", picture) for number in range(5)]
    await visitor.stage.dispatch(key, [*images, origin.url(f"/gone-{LONG}"), "nonsense"], filters=["small", "large"])
    await work(settings, 1)
    rows = (await visitor.stage.dispatch(key, [*images, *(url_of(number) for number in range(300))])).json()
    ids = f"/media/{rows[0]['code']}"
    return ["/", "/ui/account_setup", "/ui/dispatch_process", "/ui/batches/1", "/ui/batches/2", ids, "/docs"]


async def test_nothing_scrolls_sideways_on_a_phone(visitor: Visitor, settings: Settings, origin: Origin) -> None:
    paths = await pages_with_everything(visitor, settings, origin)
    page = await visitor.page("/", viewport={"width": 390, "height": 844})
    for path in paths:
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert visitor.complaints == []


FOCUSABLE = "a[href], button, input, textarea, summary, [tabindex='0']"
# Where the focus is: the position among all that can have it, and whether a person sees it.
FOCUSED = f"""() => {{
  const focused = document.activeElement;
  const style = getComputedStyle(focused);
  const place = [...document.querySelectorAll("{FOCUSABLE}")].indexOf(focused);
  return [place, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0];
}}"""


async def test_the_tab_key_reaches_every_control_in_order(visitor: Visitor, settings: Settings, origin: Origin) -> None:
    paths = await pages_with_everything(visitor, settings, origin)
    page = await visitor.page("/")
    for path in [one for one in paths if one not in {"/ui/batches/2", "/docs"}]:
        await page.goto(path)
        count = await page.locator(FOCUSABLE).count()
        reached = []
        for _ in range(count):
            await page.keyboard.press("Tab")
            place, visible = await page.evaluate(FOCUSED)
            assert visible, f"{path}: {place}"
            reached.append(place)
        assert reached == list(range(count)), path


async def test_pages_have_landmarks_one_heading_and_names_for_everything(
    visitor: Visitor, settings: Settings, origin: Origin
) -> None:
    paths = await pages_with_everything(visitor, settings, origin)
    page = await visitor.page("/")
    for path in paths:
        await page.goto(path)
        await expect(page.get_by_role("banner")).to_have_count(1)
        await expect(page.get_by_role("main")).to_have_count(1)
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert await page.locator("html").get_attribute("lang") == "en"
        assert await page.locator("img:not([alt])").count() == 0
        tree = await page.locator("body").aria_snapshot()
        unnamed = [line for line in tree.splitlines() if line.strip() in {"- link", "- button", "- textbox", "- img"}]
        assert unnamed == [], path


async def test_a_batch_that_is_watched_costs_no_page_loads_while_nothing_happens(visitor: Visitor) -> None:
    key = await visitor.stage.account()
    await visitor.stage.dispatch(key, [url_of(1), url_of(2)], filters=["small"])
    page = await visitor.page("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    async with page.expect_request("**/ui/batches/1/events"):
        await page.goto("/ui/batches/1")
    await visitor.stage.finish(url_of(1))
    await expect(page.locator("img.thumb")).to_have_count(1)
    loads = [url for url in asked if url.endswith("/ui/batches/1")]
    assert len(loads) <= 3
    sums = (await visitor.stage.client.get("/batches/1", headers=bearer(key))).json()
    assert sums["done"] == 1
