"""A list of URLs becomes archived originals, thumbs and webhooks."""

import asyncio
from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from blocks.configuration import load_configuration
from flows.cancellation import cancel_its_batches, outcome_of
from flows.policy import PLAIN
from flows.winding_down import open_until_told
from flows.window import in_window
from sais.addressing import ROOT_PATTERN
from sais.pipeline.plan import Order
from sais_models import Chunk
from sais_models.wire import BatchStatus
from tasks.archive import archive
from tasks.artifacts import Progress, link_to_batch_page
from tasks.await_deliveries import await_deliveries
from tasks.download import download
from tasks.notify import notify
from tasks.plan import plan
from tasks.resize import resize
from tasks.run_identity import identify_run
from tasks.summarise import summarise
from tasks.turns import taking_turns

Account = Annotated[str, Field(pattern=ROOT_PATTERN)]
BatchId = Annotated[int, Field(ge=1)]


@flow(name="ingest", flow_run_name="ingest-{account}", on_cancellation=[cancel_its_batches], **PLAIN)
async def ingest(
    account: Account,
    urls: list[str] | None = None,
    manifest: str | None = None,
    presets: list[str] | None = None,
    context: dict[str, Any] | None = None,
    batch: BatchId | None = None,
    wait_for_webhooks: bool = False,
) -> BatchStatus:
    """Downloads, archives and resizes the images of one batch, and calls the client back for each of them.

    Give `urls`, a `manifest` or a `batch`. While one chunk is resized the next ones download. When others wait, the
    run gives way after SAIS_TURN_SECONDS: it ends, and the batch goes on in another run.

    Args:
        account: Root of the account.
        urls: Addresses of images, as many as fit into 512 KB; for more use a manifest.
        manifest: Path or s3:// address of a CSV, TSV, JSONL, Parquet or plain list, gzip too.
        presets: Names of presets; default: the account's, else small and medium.
        context: Returned with every row and webhook of this batch.
        batch: Id of a batch that exists: what is pending in it is worked on.
        wait_for_webhooks: Go on until each webhook is delivered or dead, at most an hour.
    """
    order = Order(account, urls=urls, manifest=manifest, batch=batch, presets=presets or (), context=context)
    configuration = await load_configuration()
    async with open_until_told(configuration, str(flow_run.id)) as resources, taking_turns(order, resources) as turn:
        planned = await plan(order, resources)
        turn.begin(planned.batch)
        progress, *_ = await asyncio.gather(
            Progress.of(planned.batch, len(planned.chunks)),
            identify_run(planned.batch),
            link_to_batch_page(planned.batch, configuration.settings.public_url),
        )

        async def process(chunk: Chunk) -> None:
            if resources.hold.is_cancelled(chunk.batch) or await turn.is_over():
                return
            downloaded = await download(chunk, resources)
            await progress.step()
            archived = await archive(downloaded, resources)
            await progress.step()
            if await turn.is_over():
                return
            resized = await resize(archived, resources)
            await progress.step()
            await notify(resized, resources)
            await progress.step()
            turn.chunk_is_done()

        troubles = await in_window(process, planned.chunks, size=configuration.settings.chunks_in_flight)
        if wait_for_webhooks and not turn.gave_way:
            await await_deliveries(planned.batch, resources)
        status = await summarise(planned.batch, resources)
        return outcome_of(status, troubles)
