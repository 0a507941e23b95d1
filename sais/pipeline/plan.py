"""The plan step: the batch that a run works on, filled, and cut into chunks."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select
from sqlmodel import col

from sais.catalog import batches
from sais.catalog.accounts import get_account
from sais.catalog.media import Lease
from sais.dispatch import Submitted, add_images, open_batch
from sais.errors import EmptyBatch, InputError
from sais.fetching import Guard
from sais.pipeline.resources import Resources
from sais.quotas import Room
from sais.settling import settle_batches, settle_leftovers
from sais.submission import submit
from sais_models import Account, Batch, BatchItem, BatchMarking, Chunk, ItemMarking, Media

if TYPE_CHECKING:
    from sais.manifests import ManifestRow

# An original whose size nobody knows yet counts as this much, the mean of photographs on the web.
ASSUMED_BYTES = 1_000_000
# The imaging workers have nothing to do until the first chunk is downloaded: 250 images of one host take 1.5 s at its
# usual pace. So the first chunk is small. The next one is eight times as large and not twice: a chunk's four task runs
# cost Prefect 43 ms, whatever its size.
FIRST_IMAGES = 16
GROWTH = 8
ROWS_AT_ONCE = 2_000


class Order:
    """What a run was asked for: exactly one of `urls`, `manifest` and `batch`.

    No dataclass: Prefect would look for the results of tasks in each of its URLs, three times.
    """

    def __init__(
        self,
        account: str,
        *,
        urls: Sequence[str] | None = None,
        manifest: str | None = None,
        batch: int | None = None,
        presets: Sequence[str] = (),
        context: dict[str, Any] | None = None,
    ) -> None:
        self.account = account
        self.urls = urls
        self.manifest = manifest
        self.batch = batch
        self.presets = presets
        self.context = context

    def check(self) -> None:
        """Raises EmptyBatch or InputError."""
        given = [name for name in ("urls", "manifest", "batch") if getattr(self, name) is not None]
        if not given or self.urls == []:
            raise EmptyBatch("nothing to do: give urls, a manifest, or the id of a batch", field="urls")
        if len(given) > 1:
            raise InputError(f"give one of {' and '.join(given)}, not both", field=given[1])


@dataclass(frozen=True)
class Plan:
    """A filled batch, and its pending items as chunks."""

    batch: Batch
    chunks: list[Chunk]


async def plan_batch(resources: Resources, order: Order) -> Plan:
    """Finds or makes the batch, and fills it. Raises InputError and its kin before anything is written.

    A run that is tried again finds the batch that it made before and goes on filling it where it stopped.
    """
    order.check()
    if order.manifest is not None:
        # Reads the first piece only, so that a manifest that cannot be read leaves no batch behind.
        await asyncio.to_thread(next, _pieces(order.manifest, resources))
    batch = await resources.write(_batch_for, order, resources.lease(), resources.guard)
    if batch.filled and batch.marking == BatchMarking.OPEN:
        # Their imports take 0.15 s, for which a core is free now: when the first original is there, both are busy.
        resources.workers.start()
    if not batch.filled and batch.marking == BatchMarking.OPEN:
        await _fill_from_manifest(resources, batch)
        batch = await resources.read(batches.get_batch, batch.id or 0)
    await resources.write(settle_leftovers, batch.id or 0, public_url=resources.settings.public_url)
    return Plan(batch, await _chunks(resources, batch))


def _batch_for(connection: Connection, order: Order, lease: Lease, guard: Guard) -> Batch:
    """One transaction: a batch of URLs is there with all its items, or not at all."""
    account, run = get_account(connection, order.account), lease.run
    if order.batch is not None:
        batch = batches.get_batch(connection, order.batch)
        if batch.root != account.root:
            raise InputError(f"batch {batch.id} belongs to another account than {account.root}", field="batch")
        batches.change_batch(connection, order.batch, flow_run_id=run, held_until=lease.until)
        return batch
    made = batches.find_batch_of_run(connection, run)
    if made is not None:
        return made
    batch = _made(connection, account, order, guard)
    batches.change_batch(connection, batch.id or 0, flow_run_id=run, held_until=lease.until)
    return batches.get_batch(connection, batch.id or 0)


def _made(connection: Connection, account: Account, order: Order, guard: Guard) -> Batch:
    if order.urls is None:
        return open_batch(connection, account, presets=order.presets, context=order.context, manifest=order.manifest)
    images = [Submitted(url) for url in order.urls]
    return submit(connection, account, images, guard=guard, presets=order.presets, context=order.context).batch


async def _fill_from_manifest(resources: Resources, batch: Batch) -> None:
    """Goes on after the rows that are in already, in pieces, each a transaction of its own."""
    if batch.manifest is not None:
        position = 0
        pieces = _pieces(batch.manifest, resources)
        while piece := await asyncio.to_thread(next, pieces, None):
            images = [Submitted(row.url, row.context, row.size) for row in piece]
            missing = images[max(0, batch.submitted - position) :]
            position += len(images)
            if missing and not await resources.write(_add, batch, missing, resources.guard, position - len(missing)):
                return
    await resources.write(_close, batch)


def _pieces(manifest: str, resources: Resources) -> "Iterator[list[ManifestRow]]":
    # pandas takes 0.5 s of CPU to import, at each start of a run; most runs have no manifest.
    from sais.manifests import read_manifest  # noqa: PLC0415

    return read_manifest(manifest, options=resources.configuration.archive_options)


def _add(connection: Connection, batch: Batch, images: Sequence[Submitted], guard: Guard, start: int) -> bool:
    """What is over the account's limits is rejected: whoever sent a manifest is not there to send it later.

    False when the batch was cancelled meanwhile: then nothing is added.
    """
    with connection.begin_nested() as attempt:
        room = Room.of(connection, get_account(connection, batch.root))
        add_images(connection, batch, images, guard=guard, room=room, start=start)
        if not _is_open(connection, batch):
            attempt.rollback()
            return False
    batches.change_batch(connection, batch.id or 0, submitted=start + len(images))
    return True


def _close(connection: Connection, batch: Batch) -> None:
    if _is_open(connection, batch):
        batches.change_batch(connection, batch.id or 0, filled=True)
        settle_batches(connection, [batch.id or 0])


def _is_open(connection: Connection, batch: Batch) -> bool:
    """Stays so until the transaction ends. The batch is locked after its media, as everywhere."""
    batches.lock_batches(connection, [batch.id or 0])
    return batches.get_batch(connection, batch.id or 0).marking == BatchMarking.OPEN


async def _chunks(resources: Resources, batch: Batch) -> list[Chunk]:
    images, size = resources.settings.chunk_images, resources.settings.chunk_bytes

    def cut_pending(connection: Connection) -> list[Chunk]:
        pending = _pending_sizes(connection, batch.id or 0)
        return list(cut(pending, root=batch.root, batch=batch.id or 0, images=images, size=size))

    return await resources.read(cut_pending)


def _pending_sizes(connection: Connection, batch_id: int) -> Iterator[tuple[int, int | None]]:
    statement = (
        select(col(BatchItem.position), col(Media.size))
        .join(Media, col(Media.code) == col(BatchItem.code))
        .where(col(BatchItem.batch_id) == batch_id, col(BatchItem.marking) == ItemMarking.PENDING)
        .order_by(col(BatchItem.position))
    )
    # By the page: 300,000 rows were 84 MB at once.
    yield from connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE}).tuples()


def cut(pending: Iterable[tuple[int, int | None]], *, root: str, batch: int, images: int, size: int) -> Iterator[Chunk]:
    """Chunks of at most `images` positions and `size` bytes; an image that alone is larger is a chunk of its own."""
    number, held, members = 1, 0, list[int]()
    most = min(FIRST_IMAGES, images)
    for position, known in pending:
        weight = ASSUMED_BYTES if known is None else known
        if members and (len(members) >= most or held + weight > size):
            yield Chunk(root, batch, number, members[0], members[-1], len(members), held)
            number, held, members, most = number + 1, 0, [], min(GROWTH * most, images)
        members.append(position)
        held += weight
    if members:
        yield Chunk(root, batch, number, members[0], members[-1], len(members), held)
