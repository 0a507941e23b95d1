"""A process that sends webhooks, or makes thumbs again, is told to end in the middle."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image
from sqlalchemy import Connection, func, select
from sqlmodel import col

from sais.catalog.bulk import new_row, table_of
from sais.catalog.deliveries import add_deliveries
from sais.settings import Settings
from sais.webhooks.sending import RECEIVER_CONCURRENCY
from sais_models import Batch, Delivery, DeliveryKind, DeliveryMarking, Media, PresetSettings, Thumb
from sais_models.columns import utc_now
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

PROJECT = Path(__file__).parents[2]
WEBHOOKS = 30
END_SECONDS = 60
# What the flow does, with the signal handler of Prefect's engine around it.
SENDER = """
import asyncio
from flows.winding_down import mail_until_told
from prefect.utilities.engine import capture_sigterm
from sais.configuration import Configuration
from sais.settings import Settings

async def send():
    async with mail_until_told(Configuration.from_settings(Settings())) as mailing:
        await mailing.deliver_due()

with capture_sigterm():
    asyncio.run(send())
"""

REMAKER = """
import asyncio
from flows.winding_down import open_until_told
from prefect.utilities.engine import capture_sigterm
from sais.configuration import Configuration
from sais.rethumbing.parts import Wanted
from sais.rethumbing.whole import rethumb_all
from sais.settings import Settings

async def remake():
    async with open_until_told(Configuration.from_settings(Settings()), "not-of-prefect") as resources:
        await rethumb_all(resources, Wanted(rate=RATE))

with capture_sigterm():
    asyncio.run(remake())
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


@asynccontextmanager
async def process(settings: Settings, program: str) -> AsyncIterator[Process]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    own = {"SAIS_HOME": str(settings.home), "SAIS_ALLOW_HOSTS": "127.0.0.1", "SAIS_STOP_SECONDS": "60"}
    nobody = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=PROJECT, env=clean | own | nobody)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def test_what_is_on_its_way_is_delivered_and_the_rest_is_due_at_once(settings: Settings, origin: Origin) -> None:
    museum = Museum(settings)
    async with museum.run() as resources:
        await resources.write(put_in, origin)
    origin.hold()
    async with process(settings, SENDER) as sender:
        await asyncio.to_thread(origin.wait_inside, RECEIVER_CONCURRENCY)
        sender.send_signal(signal.SIGTERM)
        async with museum.run() as resources:
            assert await resources.read(outbox) == (0, 0), "they are claimed"
        origin.release()
        assert await asyncio.wait_for(sender.wait(), END_SECONDS) == -signal.SIGTERM
    async with museum.run() as resources:
        delivered, due = await resources.read(outbox)
    assert delivered >= RECEIVER_CONCURRENCY
    assert delivered + due == WEBHOOKS
    assert len(origin.posts) == delivered, "none that was sent is sent again"


def held(connection: Connection) -> int:
    return connection.execute(select(func.count()).where(col(Media.leased_by).is_not(None))).scalar_one()


async def test_images_whose_thumbs_were_to_be_made_again_are_given_back(settings: Settings, origin: Origin) -> None:
    urls = [origin.serve(f"/{n}.jpg", Content(encoded(quarters(300 + n, 200), "JPEG"))) for n in range(5)]
    await Museum(settings, [PresetSettings(name="small", width=100, height=100)]).ingest_urls(*urls, presets=["small"])
    museum = Museum(settings, [PresetSettings(name="small", width=120, height=120)])
    async with museum.run() as resources:
        async with process(settings, REMAKER.replace("RATE", "0.1")) as remaker, asyncio.timeout(END_SECONDS):
            while not await resources.read(held):  # noqa: ASYNC110  another process is at work
                await asyncio.sleep(0.05)
            remaker.send_signal(signal.SIGTERM)
            assert await remaker.wait() == -signal.SIGTERM
        assert await resources.read(held) == 0


def widths(connection: Connection) -> dict[str, int | None]:
    """What the rows say, by the path of the picture."""
    joined = select(col(Media.path), col(Thumb.width)).join(Thumb, col(Thumb.code) == col(Media.code))
    return {str(path): width for path, width in connection.execute(joined)}


async def test_thumbs_that_were_made_again_until_the_end_and_their_rows_belong_together(
    settings: Settings, origin: Origin
) -> None:
    urls = [origin.serve(f"/{n}.png", Content(encoded(quarters(2000 + n, 1500), "PNG"))) for n in range(60)]
    await Museum(settings, [PresetSettings(name="small", width=100, height=100)]).ingest_urls(*urls, presets=["small"])
    museum = Museum(settings, [PresetSettings(name="small", width=120, height=120)])
    async with museum.run() as resources:
        async with process(settings, REMAKER.replace("RATE", "None")) as remaker, asyncio.timeout(END_SECONDS):
            while 120 not in (await resources.read(widths)).values():  # noqa: ASYNC110  another process is at work
                await asyncio.sleep(0.01)
            remaker.send_signal(signal.SIGTERM)
            assert await remaker.wait() == -signal.SIGTERM
        rows = await resources.read(widths)
    sizes = {path: Image.open(settings.home / "cache" / "small" / path).width for path in rows}
    assert sizes == rows
    assert set(sizes.values()) == {100, 120}, "it was told to end in the middle"
