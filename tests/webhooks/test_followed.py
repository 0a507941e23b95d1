"""What a webhook carries besides its body: the id of the request that asked, and two signatures after a rotation."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from sais.accounts import rotate_webhook_secret
from sais.catalog.accounts import get_account
from sais.client import verify_webhook
from sais.request_ids import REQUEST_ID
from sais.settings import Settings
from sais_models.wire import AccountInfo
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Status

JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def museum(settings: Settings, origin: Origin) -> Museum:
    museum = Museum(settings)
    museum.callback = origin.url("/hook")
    origin.serve("/hook", Status(200))
    return museum


def rotate(connection: Connection) -> AccountInfo:
    return rotate_webhook_secret(connection, get_account(connection, "museum"))


async def test_the_id_of_the_request_is_in_its_webhooks(museum: Museum, origin: Origin) -> None:
    mark = REQUEST_ID.set("museum-42")
    await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    REQUEST_ID.reset(mark)
    await museum.ingest_urls(origin.serve("/two.jpg", Content(JPEG)))
    posts = origin.wait_for_posts(2)
    assert [post.headers.get("x-request-id") for post in posts] == ["museum-42", None]


async def test_a_receiver_with_either_secret_understands(museum: Museum, origin: Origin) -> None:
    async with museum.run() as resources:
        former = (await resources.read(get_account, "museum")).webhook_secret
        info = await resources.write(rotate)
    await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    (post,) = origin.wait_for_posts(1)
    for secret in (info.webhook_secret or "", former):
        assert verify_webhook(post.body, post.headers, secret)["marking"] == "resized"
