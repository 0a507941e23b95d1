"""The summary of a batch, for people: sums, failures by reason and host, where the time went, a contact sheet."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Connection, select

from sais.addressing import batch_page_url, thumb_path
from sais.catalog.bulk import table_of
from sais.errors import StorageError
from sais.fetching import HostPause, redact_url
from sais.imaging import contact_sheet
from sais.pipeline.bounds import bound_sentence, busy_share, split
from sais.pipeline.ledger import Ledger
from sais.pipeline.resources import Resources
from sais.reading import batch_status
from sais_models import Batch, BatchItem, ItemMarking, Media, Thumb, ThumbMarking
from sais_models.wire import BatchStatus

SHEET_PICTURES = 64
SHOWN_HOSTS = 100


@dataclass(frozen=True)
class FailureCount:
    """How often one reason came from one host."""

    reason: str
    host: str
    images: int
    example: str


async def count_failures(resources: Resources, batch: Batch) -> list[FailureCount]:
    """The most frequent first; rejected ones too."""
    return await resources.read(_count_failures, batch.id or 0)


def _count_failures(connection: Connection, batch_id: int) -> list[FailureCount]:
    items, media = table_of(BatchItem), table_of(Media)
    statement = (
        select(items.c.reason, media.c.url, items.c.url)
        .select_from(items.outerjoin(media, media.c.code == items.c.code))
        .where(items.c.batch_id == batch_id, items.c.marking.in_((ItemMarking.FAILED, ItemMarking.REJECTED)))
    )
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for reason, url, rejected_url in connection.execute(statement):
        address = url or rejected_url or ""
        key = (reason or "unknown", _host(address))
        counts[key] += 1
        examples.setdefault(key, redact_url(address))
    return [FailureCount(reason, host, n, examples[reason, host]) for (reason, host), n in counts.most_common()]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "(none)"
    except ValueError:
        return "(none)"


async def sheet_of(resources: Resources, batch: Batch) -> bytes | None:
    """A picture of the batch's first thumbs in their smallest preset; None when there is none yet."""
    if not batch.presets:
        return None
    smallest = min(batch.presets, key=lambda name: resources.presets[name].width if name in resources.presets else 0)
    paths = await resources.read(_first_thumbs, batch.id or 0, smallest)
    pictures = await asyncio.gather(*(_read_thumb(resources, thumb_path(smallest, path)) for path in paths))
    found = [picture for picture in pictures if picture is not None]
    return await asyncio.to_thread(contact_sheet, found) if found else None


def _first_thumbs(connection: Connection, batch_id: int, preset: str) -> list[str]:
    items, media, thumbs = table_of(BatchItem), table_of(Media), table_of(Thumb)
    statement = (
        select(media.c.path)
        .select_from(items.join(media, media.c.code == items.c.code).join(thumbs, thumbs.c.code == media.c.code))
        .where(items.c.batch_id == batch_id, thumbs.c.preset == preset, thumbs.c.marking == ThumbMarking.DONE)
        .order_by(items.c.position)
        .limit(SHEET_PICTURES)
    )
    return [row[0] for row in connection.execute(statement)]


async def _read_thumb(resources: Resources, path: str) -> bytes | None:
    try:
        return await resources.cache.read(path)
    except StorageError:
        return None


async def status_of(resources: Resources, batch: Batch) -> BatchStatus:
    return await resources.read(batch_status, batch.id or 0)


def summary_markdown(
    status: BatchStatus, ledger: Ledger, *, workers: int, public_url: str, pauses: Sequence[HostPause] = ()
) -> str:
    """What bounded the run, counts, bytes, images a second, where the time went, and which hosts had to be left alone.

    `workers` is how many imaging workers it may have.
    """
    elapsed = max(ledger.elapsed, 1e-6)
    return f"""## Batch {status.id} of {status.root}

{bound_sentence(ledger, workers)}

[Open the batch in SAIS]({batch_page_url(public_url, status.id)})

| submitted | accepted | rejected | done | failed | pending |
|---|---|---|---|---|---|
| {status.submitted} | {status.accepted} | {status.rejected} | {status.done} | {status.failed} | {status.pending} |

This run: {ledger.counts["downloads"]} originals ({ledger.counts["bytes downloaded"] / 1e6:.1f} MB) downloaded,
{ledger.counts["thumbs"]} thumbs made, {ledger.counts["webhooks"]} webhooks delivered in {elapsed:.1f} s:
**{status.done / elapsed:.1f} images/s**.

### Where the time went

Seconds of all workers and connections together; what goes on at once is counted for each. "Waited" is the same times
the images that waited, queues included: by it the run is judged. The {workers} imaging workers were busy for
{busy_share(ledger, workers):.0%} of the time.

| resource | seconds | waited (image-seconds) |
|---|---|---|
{_split_rows(ledger)}
{_paused_hosts(pauses)}"""


def _split_rows(ledger: Ledger) -> str:
    lines: list[str] = []
    for share in split(ledger):
        lines.append(f"| {share.resource} | {share.seconds:.2f} | {share.waited:.1f} |")
        lines += [f"| — {part} | {seconds:.2f} | |" for part, seconds in share.parts]
    return "\n".join(lines)


def _paused_hosts(pauses: Sequence[HostPause]) -> str:
    if not pauses:
        return ""
    rows = "\n".join(
        f"| {pause.host} | {pause.reason} | {pause.pauses} | {pause.turned_away} | {pause.seconds_left:.0f} |"
        for pause in pauses[:SHOWN_HOSTS]
    )
    return f"""
### Hosts that were left alone

They failed again and again, or asked for a pause. What was not asked for is tried again.

| host | reason | pauses | requests not made | paused for (s) |
|---|---|---|---|---|
{rows}
"""
