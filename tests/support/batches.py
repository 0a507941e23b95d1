"""A batch worked on from its first step to its last, as the flow does it but without Prefect."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from sais.accounts import set_up_account
from sais.catalog.accounts import find_account
from sais.configuration import Configuration
from sais.pipeline.archive import archive_chunk
from sais.pipeline.download import download_chunk
from sais.pipeline.notify import notify_chunk
from sais.pipeline.plan import Order, Plan, plan_batch
from sais.pipeline.resize import resize_chunk
from sais.pipeline.resources import Resources, open_resources
from sais.reading import batch_rows, batch_status
from sais.settings import Settings
from sais_models import PresetSettings
from sais_models.wire import AccountInfo, AccountSetup, BatchStatus, MediaRow

TRIES = 3


@dataclass(frozen=True)
class Worked:
    """What became of a batch: the sums, and the rows in the order sent."""

    plan: Plan
    status: BatchStatus
    rows: list[MediaRow]


class Museum:
    """An installation with the account `museum`, and runs that work on its batches one after the other."""

    def __init__(self, settings: Settings, presets: Iterable[PresetSettings] = ()) -> None:
        self.configuration = replace(Configuration.from_settings(settings), presets=tuple(presets))
        self.settings = settings
        self.callback: str | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Resources]:
        async with open_resources(self.configuration, f"run-{uuid4().hex}") as resources:
            if await resources.read(find_account, "museum") is None:
                await self.set_up(resources, mediaCallbackUrl=self.callback)
            yield resources

    async def set_up(self, resources: Resources, **changes: object) -> AccountInfo:
        setup = AccountSetup.model_validate({"root": "museum", **changes})
        return await resources.write(set_up_account, setup, guard=resources.guard, key=None)

    async def ingest(self, resources: Resources, order: Order) -> Worked:
        plan = await plan_batch(resources, order)
        for chunk in plan.chunks:
            for attempt in range(1, TRIES + 1):
                report = await download_chunk(resources, chunk, last_try=attempt == TRIES)
                if not report.left:
                    break
            await archive_chunk(resources, chunk)
            await resize_chunk(resources, chunk)
            await notify_chunk(resources, chunk)
        batch_id = plan.batch.id or 0
        return Worked(
            plan,
            await resources.read(batch_status, batch_id),
            await resources.read(batch_rows, plan.batch, public_url=self.settings.public_url),
        )

    async def ingest_urls(self, *urls: str, **options: object) -> Worked:
        async with self.run() as resources:
            return await self.ingest(resources, Order("museum", urls=list(urls), **options))  # type: ignore[arg-type]


def replace_settings(museum: Museum, **changes: object) -> Museum:
    """The same installation, set up in another way."""
    other = Museum(museum.settings.model_copy(update=changes))
    other.configuration = replace(other.configuration, database_url=museum.configuration.database_url)
    return other


def as_on_another_disk(file: Path) -> None:
    """A file of its own, where an archive on the same disk has only a link to it."""
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data)
