"""The steps of `ingest` in the flow's own window, without Prefect, in this process.

SAIS_HOME=… python -m benchmarks.steps ORDER.json
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from uuid import uuid4

from flows.window import in_window
from sais.configuration import Configuration
from sais.pipeline.archive import archive_chunk
from sais.pipeline.download import download_chunk
from sais.pipeline.notify import notify_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.pipeline.resources import Resources, open_resources
from sais.pipeline.summary import count_failures, sheet_of, status_of, summary_markdown
from sais.settings import Settings
from sais_models import Chunk


async def work(order: Order) -> float:
    """Seconds from the first step to the last, the opening of database and storages not counted."""
    async with open_resources(Configuration.from_settings(Settings()), f"bench-{uuid4().hex}") as resources:
        start = time.perf_counter()
        plan = await plan_batch(resources, order)

        async def process(chunk: Chunk) -> None:
            await journey(resources, chunk)

        troubles = await in_window(process, plan.chunks, size=resources.settings.chunks_in_flight)
        status = await status_of(resources, plan.batch)
        await count_failures(resources, plan.batch)
        await sheet_of(resources, plan.batch)
        summary_markdown(status, resources.ledger, public_url=resources.settings.public_url)
        if troubles:
            raise troubles[0]
        return time.perf_counter() - start


async def journey(resources: Resources, chunk: Chunk) -> None:
    """As the tasks do it, with their gates."""
    async with resources.gates["download"]:
        await download_chunk(resources, chunk, last_try=True)
    await archive_chunk(resources, chunk)
    async with resources.gates["resize"]:
        await resize_chunk(resources, chunk)
    await notify_chunk(resources, chunk)


def main(file: str) -> None:
    print(asyncio.run(work(Order(**json.loads(Path(file).read_text())))))


if __name__ == "__main__":
    main(sys.argv[1])
