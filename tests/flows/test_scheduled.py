"""Webhooks that were not taken are sent again, each minute."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, update

from flows.deliver_webhooks import deliver_webhooks
from sais.catalog.bulk import table_of
from sais.settings import Settings
from sais_models import Delivery
from sais_models.columns import utc_now
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Status

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
def museum(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Museum:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    museum = Museum(settings)
    museum.callback = origin.url("/hook")
    return museum


def an_hour_later(connection: Connection) -> None:
    connection.execute(update(table_of(Delivery)).values(due_at=utc_now() - timedelta(hours=1)))


async def test_webhooks_that_were_not_taken_are_sent_again(museum: Museum, origin: Origin) -> None:
    origin.serve("/hook", Status(503), Status(200))
    await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    assert await deliver_webhooks() == {"pending": 0, "delivered": 0, "dead": 0}, "not due yet"
    async with museum.run() as resources:
        await resources.write(an_hour_later)
    assert await deliver_webhooks() == {"pending": 0, "delivered": 1, "dead": 0}
    assert len({post.headers["webhook-id"] for post in origin.wait_for_posts(2)}) == 1
