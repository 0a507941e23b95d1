"""The steps of `ingest` in the flow's own window, without Prefect.

SAIS_HOME=… python -m benchmarks.steps ORDER.json processes|threads|accounted      prints seconds and CPU seconds
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from benchmarks.accounting import CPU, account
from benchmarks.imaging_threads import imaging_threads
from benchmarks.installation import Installation
from deployments.environment import PROJECT
from deployments.flow_run import collect_less, loop_quicker
from flows.window import in_window
from sais.catalog.turns import Share, pass_on_turn
from sais.configuration import Configuration
from sais.pipeline.archive import archive_chunk
from sais.pipeline.download import download_chunk
from sais.pipeline.ledger import Ledger
from sais.pipeline.notify import notify_chunk
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.pipeline.resources import Resources, open_resources
from sais.pipeline.summary import count_failures, sheet_of, status_of, summary_markdown
from sais.settings import Settings
from sais_models import Chunk

# Where imaging runs: in the product's worker processes, or in threads for comparison.
KINDS = ("processes", "threads")
# In processes, and CPU by part. It counts in asyncio's loop, for uvloop's tells nobody what it calls.
ACCOUNTED = "accounted"
# Parts of the accounts, in the loop's thread and in others, by what they are shown as.
PARTS = {
    "fetch": ("download", "download (threads)"),
    "header": ("header", "header (threads)"),
    "archive": ("archive", "archive (threads)"),
    "thumb cache: flush": ("thumb cache", "thumb cache (threads)"),
    "messages to workers": ("imaging", "imaging (threads)"),
    "database": ("database", "database (threads)"),
    "webhooks": ("webhooks", "webhooks (threads)"),
}

REST = "start of Python, and what is between"
# CPU seconds.
START = time.process_time()


@dataclass(frozen=True)
class Steps:
    """Seconds: `whole` of the process, `steps` from the first step to the last, `images` without plan and summary. CPU
    seconds: `own` of the process, its imaging workers' not counted, `start` of that until everything was imported;
    `parts` by part, when accounted."""

    whole: float
    steps: float
    images: float
    start: float
    own: float
    parts: Mapping[str, float]


def run_steps(installation: Installation, urls: list[str], kind: str = KINDS[0]) -> Steps:
    """In a process of its own."""
    command = [sys.executable, "-m", "benchmarks.steps", str(installation.write_order(urls)), kind]
    environment = os.environ | installation.environment
    start = time.perf_counter()
    done = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return Steps(time.perf_counter() - start, **told)


async def work(order: Order, kind: str) -> tuple[float, float, Ledger]:
    """Seconds from the first step to the last, the opening of database and storages not counted; what `ingest` gives;
    and the ledger."""
    configuration = Configuration.from_settings(Settings())
    async with open_resources(configuration, f"bench-{uuid4().hex}") as resources:
        with ExitStack() as stack:
            if kind == "threads":
                resources.workers = stack.enter_context(imaging_threads(resources.worker_count))
            start = time.perf_counter()
            images = await ingest(order, resources)
            return time.perf_counter() - start, images, resources.ledger


async def ingest(order: Order, resources: Resources) -> float:
    """As the flow, the artifacts made but not sent. Seconds of its chunks, without plan and summary."""
    plan = await plan_batch(resources, order)

    async def process(chunk: Chunk) -> None:
        await journey(resources, chunk)

    start = time.perf_counter()
    troubles = await in_window(process, plan.chunks, size=resources.settings.chunks_in_flight)
    images = time.perf_counter() - start
    share = Share.of(resources.settings)
    await resources.write(pass_on_turn, order.account, share, ended=plan.batch.id or 0, gave_way=False)
    status = await status_of(resources, plan.batch)
    await count_failures(resources, plan.batch)
    await sheet_of(resources, plan.batch)
    summary_markdown(status, resources.ledger, workers=resources.worker_count, public_url=resources.settings.public_url)
    if troubles:
        raise troubles[0]
    return images


async def journey(resources: Resources, chunk: Chunk) -> None:
    """As the tasks do it, with their gates."""
    async with resources.gates["download"]:
        await download_chunk(resources, chunk, last_try=True)
    await archive_chunk(resources, chunk)
    async with resources.gates["resize"]:
        await resize_chunk(resources, chunk)
    await notify_chunk(resources, chunk)


def main(file: str, kind: str) -> None:
    collect_less()
    if kind == ACCOUNTED:
        account()
    else:
        loop_quicker()
    steps, images, ledger = asyncio.run(work(Order(**json.loads(Path(file).read_text())), kind))
    own = time.process_time()
    parts = _parts(ledger, own) if kind == ACCOUNTED else {}
    print(json.dumps({"steps": steps, "images": images, "start": START, "own": own, "parts": parts}))


def _parts(ledger: Ledger, own: float) -> dict[str, float]:
    """CPU seconds of this process and its workers; together they are all that was spent."""
    pixels = {name: ledger.seconds[name] for name in ("decode", "resize", "encode", "hash")}
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    parts = {name: sum(CPU[part] for part in of) for name, of in PARTS.items()}
    rest = own - sum(parts.values())
    spent = workers.ru_utime + workers.ru_stime - sum(pixels.values())
    return pixels | {"workers: start, files, thumbs written": spent} | parts | {REST: rest}


if __name__ == "__main__":
    main(*sys.argv[1:])
