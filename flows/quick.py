"""A few images that somebody waits for, of one or more batches of an account."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.cancellation import cancel_its_batches
from flows.ingest import Account, BatchId
from flows.kept_resources import resources_for
from flows.policy import PLAIN
from flows.window import in_window
from sais_models import Chunk
from sais_models.wire import BatchStatus
from tasks.archive import archive
from tasks.download import download
from tasks.notify import notify
from tasks.plan import plan_together
from tasks.resize import resize
from tasks.summarise import summarise


# No name template: the run comes with its name, and setting it again costs a call while somebody waits.
@flow(name="quick", on_cancellation=[cancel_its_batches], **PLAIN)
async def quick(account: Account, batches: Annotated[list[BatchId], Field(min_length=1)]) -> list[BatchStatus]:
    """Does what `ingest` does, for batches of a few images each that came in together.

    What is only for looking at (summary, failures, contact sheet) follows when the client has been called back.

    Args:
        account: Root of the account.
        batches: Ids of batches that exist: what is pending in them is worked on.
    """
    async with resources_for(str(flow_run.id)) as resources:
        plans = await plan_together(account, batches, resources)

        async def process(chunk: Chunk) -> None:
            if resources.hold.is_cancelled(chunk.batch):
                return
            downloaded = await download(chunk, resources)
            archived = await archive(downloaded, resources)
            resized = await resize(archived, resources)
            await notify(resized, resources)

        chunks = [chunk for planned in plans for chunk in planned.chunks]
        troubles = await in_window(process, chunks, size=resources.settings.fetch_concurrency)
        statuses = [await summarise(planned.batch, resources) for planned in plans]
        if troubles:
            raise troubles[0]
        return statuses
