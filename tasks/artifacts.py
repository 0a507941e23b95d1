"""What a run leaves to look at in the Prefect UI."""

import asyncio
import base64
import time
from uuid import UUID

from prefect.artifacts import (
    acreate_image_artifact,
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from sais.addressing import batch_page_url
from sais.pipeline.summary import FailureCount
from sais_models import Batch

STEPS = 4
# Every key under which a task leaves an artifact, as SQL patterns: what `retention` may delete.
OUR_KEYS = (
    *("progress-b%", "page-b%", "failures-b%", "summary-b%", "sheet-b%"),
    *("alert-%", "transfer", "transfer-bad-lines", "purge-plan", "retention"),
    *("stale-thumbs", "stale-thumbs-summary"),
    *("rethumb-progress-%", "rethumb-sheet-%", "rethumb-failures", "rethumb-summary"),
    *("sync-sums-%", "sync-differences-%", "evicted-originals", "refreshed-sources"),
)
# An update costs 12 ms here and as much in the server: one for each step of each chunk would be 2 % of a bulk run.
SECONDS_APART = 10.0


class Progress:
    """A bar that moves by a quarter of a chunk, at most every ten seconds, and at the end."""

    def __init__(self, artifact: UUID, chunks: int) -> None:
        self.artifact = artifact
        self.total = chunks * STEPS
        self.steps = 0
        # One update after the other: two under way at once could arrive in the wrong order, and the bar go back.
        self.order = asyncio.Lock()
        self.shown_at = time.monotonic()

    @classmethod
    async def of(cls, batch: Batch, chunks: int) -> "Progress":
        start = 0.0 if chunks else 100.0
        key = f"progress-b{batch.id}"
        made = await acreate_progress_artifact(start, key=key, description=f"Batch {batch.id} of {batch.root}")
        return cls(made, chunks)

    async def step(self) -> None:
        async with self.order:
            self.steps += 1
            now = time.monotonic()
            if now - self.shown_at < SECONDS_APART and self.steps < self.total:
                return
            self.shown_at = now
            await aupdate_progress_artifact(self.artifact, progress=round(100 * self.steps / self.total, 1))


async def link_to_batch_page(batch: Batch, public_url: str) -> None:
    await acreate_link_artifact(
        batch_page_url(public_url, batch.id or 0), link_text=f"Batch {batch.id} in SAIS", key=f"page-b{batch.id}"
    )


async def show_failures(batch: Batch, failures: list[FailureCount]) -> None:
    rows = [{"reason": f.reason, "host": f.host, "images": f.images, "example": f.example} for f in failures]
    await acreate_table_artifact(
        rows, key=f"failures-b{batch.id}", description=f"Failures of batch {batch.id} by reason and host"
    )


async def show_summary(batch: Batch, markdown: str) -> None:
    await acreate_markdown_artifact(markdown, key=f"summary-b{batch.id}", description=f"Summary of batch {batch.id}")


async def show_contact_sheet(batch: Batch, sheet: bytes) -> None:
    """As a data: address, so that the picture needs no public host."""
    picture = "data:image/webp;base64," + base64.b64encode(sheet).decode()
    await acreate_image_artifact(picture, key=f"sheet-b{batch.id}", description=f"First pictures of batch {batch.id}")
