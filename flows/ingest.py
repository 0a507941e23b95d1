"""A list of URLs becomes archived originals, thumbs and webhooks."""

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from blocks.configuration import load_configuration
from flows.window import in_window
from sais.pipeline.plan import Order
from sais.pipeline.resources import open_resources
from sais_models import Chunk
from sais_models.wire import BatchStatus
from tasks.archive import archive
from tasks.artifacts import Progress, link_to_batch_page
from tasks.deliver import await_deliveries
from tasks.download import download
from tasks.notify import notify
from tasks.plan import plan
from tasks.resize import resize
from tasks.summarise import summarise

Account = Annotated[str, Field(description="Root of the account", pattern=r"^[a-z0-9][a-z0-9_-]{2,49}$")]
Urls = Annotated[list[str] | None, Field(description="Addresses of images; for more than 5,000 use a manifest")]
Manifest = Annotated[
    str | None, Field(description="Path or s3:// address of a CSV, TSV, JSONL, Parquet or plain list, gzip too")
]
BatchId = Annotated[int | None, Field(description="A batch that exists: what is pending in it is worked on", ge=1)]
Presets = Annotated[list[str] | None, Field(description="Names of presets; default: the account's")]
Context = Annotated[dict[str, Any] | None, Field(description="Returned with every row and webhook of this batch")]
Wait = Annotated[bool, Field(description="Go on until each webhook is delivered or dead, at most an hour")]


@flow(name="ingest", flow_run_name="ingest-{account}")
async def ingest(
    account: Account,
    urls: Urls = None,
    manifest: Manifest = None,
    presets: Presets = None,
    context: Context = None,
    batch: BatchId = None,
    wait_for_webhooks: Wait = False,
) -> BatchStatus:
    """Downloads, archives and resizes the images of one batch, and calls the client back for each of them.

    Give `urls`, a `manifest` or a `batch`. While one chunk is resized the next ones download.
    """
    order = Order(account, urls=urls, manifest=manifest, batch=batch, presets=presets or (), context=context)
    configuration = await load_configuration()
    async with open_resources(configuration, run=str(flow_run.id)) as resources:
        planned = await plan(order, resources)
        await link_to_batch_page(planned.batch, configuration.settings.public_url)
        progress = await Progress.of(planned.batch, len(planned.chunks))

        async def process(chunk: Chunk) -> None:
            downloaded = await download(chunk, resources)
            await progress.step()
            archived = await archive(downloaded, resources)
            await progress.step()
            resized = await resize(archived, resources)
            await progress.step()
            await notify(resized, resources)
            await progress.step()

        troubles = await in_window(process, planned.chunks, size=configuration.settings.chunks_in_flight)
        if wait_for_webhooks:
            await await_deliveries(planned.batch, resources)
        status = await summarise(planned.batch, resources)
        if troubles:
            raise troubles[0]
        return status
