"""What `rethumbnail` leaves to look at in the Prefect UI."""

import asyncio
import base64
from collections import Counter
from uuid import UUID

from prefect.artifacts import (
    acreate_image_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from sais.rethumbing.planning import RethumbPlan
from sais.rethumbing.work import Rethumbing


def _slug(root: str) -> str:
    """Keys of artifacts have no underscores."""
    return root.replace("_", "-")


class AccountProgress:
    """A bar for one account, which moves by a part."""

    def __init__(self, artifact: UUID, parts: int) -> None:
        self.artifact, self.parts, self.done = artifact, parts, 0
        # As with the bar of a batch: two updates under way could arrive in the wrong order.
        self.order = asyncio.Lock()

    @classmethod
    async def of(cls, root: str, parts: int) -> "AccountProgress":
        start = 0.0 if parts else 100.0
        made = await acreate_progress_artifact(
            start, key=f"rethumb-progress-{_slug(root)}", description=f"Thumbs of {root}"
        )
        return cls(made, parts)

    async def step(self) -> None:
        async with self.order:
            self.done += 1
            await aupdate_progress_artifact(self.artifact, progress=round(100 * self.done / self.parts, 1))


async def show_plan(plan: RethumbPlan) -> None:
    rows = [account.row() for account in plan.accounts]
    await acreate_table_artifact(rows, key="stale-thumbs", description="Thumbs that another recipe made, by account")
    await acreate_markdown_artifact(plan.markdown(), key="stale-thumbs-summary", description="Stale thumbs")


async def show_made(work: Rethumbing) -> None:
    """For each account some thumbs as they were, each beside what took its place; and the sums."""
    for root, samples in work.samples.items():
        sheet = samples.sheet()
        if sheet is not None:
            picture = "data:image/webp;base64," + base64.b64encode(sheet).decode()
            words = f"Thumbs of {root}: before, and right of it after"
            await acreate_image_artifact(picture, key=f"rethumb-sheet-{_slug(root)}", description=words)
    rows = "\n".join(f"| {name} | {count} |" for name, count in work.sums.items())
    speed = f"{work.measured.rate:.1f} images/s" if work.counts["images"] else "none was made"
    words = f"## Thumbs made again\n\n| what | how many |\n|---|---|\n{rows}\n\nPauses left out: **{speed}**.\n"
    await acreate_markdown_artifact(words, key="rethumb-summary", description="Thumbs made again")


async def show_failed(work: Rethumbing) -> None:
    if not work.failures:
        return
    counts = Counter((root, failure.reason) for root, failure in work.failures.values())
    examples = {(root, failure.reason): failure.address for root, failure in work.failures.values()}
    rows = [
        {"account": root, "reason": reason, "images": images, "example": examples[root, reason]}
        for (root, reason), images in counts.most_common()
    ]
    await acreate_table_artifact(
        rows, key="rethumb-failures", description="Images that keep their old thumbs, by account and reason"
    )
