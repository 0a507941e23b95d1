"""A process that sends webhooks is told to end while its receiver is slow."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlmodel import col

from sais.catalog.bulk import new_row, table_of
from sais.catalog.deliveries import add_deliveries
from sais.settings import Settings
from sais.webhooks.sending import RECEIVER_CONCURRENCY
from sais_models import Batch, Delivery, DeliveryKind, DeliveryMarking
from sais_models.columns import utc_now
from tests.support.batches import Museum
from tests.support.origin import Origin

PROJECT = Path(__file__).parents[2]
WEBHOOKS = 30
END_SECONDS = 60
# What the flow does, without Prefect's engine around it.
SENDER = """
import asyncio
from flows.winding_down import mail_until_told
from sais.configuration import Configuration
from sais.settings import Settings

async def send():
    async with mail_until_told(Configuration.from_settings(Settings())) as mailing:
        await mailing.deliver_due()

asyncio.run(send())
"""


def put_in(connection: Connection, origin: Origin) -> None:
    connection.execute(table_of(Batch).insert(), [new_row(Batch, id=1, root="museum", presets=[])])
    fixed = {"root": "museum", "batch_id": 1, "kind": DeliveryKind.MEDIA, "body": "{}"}
    to = {"url": origin.url("/hook"), "receiver": origin.url("")}
    add_deliveries(
        connection, [new_row(Delivery, **fixed, **to, id=f"msg_{n}", subject=str(n)) for n in range(WEBHOOKS)]
    )


def outbox(connection: Connection) -> tuple[int, int]:
    """How many are delivered, and how many wait and are due now."""
    counted = select(func.count()).select_from(Delivery)
    delivered = connection.execute(counted.where(col(Delivery.marking) == DeliveryMarking.DELIVERED)).scalar_one()
    due = (col(Delivery.marking) == DeliveryMarking.PENDING, col(Delivery.due_at) <= utc_now())
    return delivered, connection.execute(counted.where(*due)).scalar_one()


async def test_what_is_on_its_way_is_delivered_and_the_rest_is_due_at_once(settings: Settings, origin: Origin) -> None:
    museum = Museum(settings)
    async with museum.run() as resources:
        await resources.write(put_in, origin)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAIS_")}
    own = {"SAIS_HOME": str(settings.home), "SAIS_ALLOW_HOSTS": "127.0.0.1", "SAIS_STOP_SECONDS": "60"}
    origin.hold()
    sender = await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, cwd=PROJECT, env=clean | own)
    try:
        await asyncio.to_thread(origin.wait_inside, RECEIVER_CONCURRENCY)
        sender.send_signal(signal.SIGTERM)
        async with museum.run() as resources:
            assert await resources.read(outbox) == (0, 0), "they are claimed"
        origin.release()
        assert await asyncio.wait_for(sender.wait(), END_SECONDS) == -signal.SIGTERM
    finally:
        if sender.returncode is None:
            sender.kill()
            await sender.wait()
    async with museum.run() as resources:
        delivered, due = await resources.read(outbox)
    assert delivered >= RECEIVER_CONCURRENCY
    assert delivered + due == WEBHOOKS
    assert len(origin.posts) == delivered, "none that was sent is sent again"
