"""The refresh step: the sources of a slice of media are asked again; what has changed is taken in whole."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sais.catalog.bulk import Row
from sais.catalog.idle import claim_idle
from sais.catalog.media import Lease, find_thumbs, release_media
from sais.catalog.sources import save_checked
from sais.dispatch import is_image
from sais.errors import MediaError
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import Failure
from sais.pipeline.resources import Resources
from sais.refreshing.asking import Changed, Refused, Unchanged, ask
from sais.refreshing.parts import RefreshPart
from sais.refreshing.reporting import save_and_report
from sais.refreshing.taking_in import TakenIn, take_in
from sais_models import Media, Thumb
from sais_models.columns import utc_now

SAVED_TOGETHER = 25


class RefreshReport:
    """`counts`: asked, unchanged, changed, gone (noted with its reason), busy (to be asked next time)."""

    def __init__(self, part: RefreshPart) -> None:
        self.part = part
        self.counts: Counter[str] = Counter()
        self.failures: list[Failure] = []
        self.seconds = 0.0

    def __str__(self) -> str:
        sums = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        return f"refresh {self.part.name}: {sums} in {self.seconds:.1f} s"


@dataclass(frozen=True)
class Checked:
    """The source has nothing new."""

    row: Row


async def refresh_part(resources: Resources, part: RefreshPart) -> RefreshReport:
    """Raises StorageError when archive or thumb cache fails; what is done by then is saved."""
    start = time.perf_counter()
    report = RefreshReport(part)
    lease = resources.lease()
    claimed = await resources.write(claim_idle, part.codes, lease)
    thumbs = await resources.read(find_thumbs, [media.code for media in claimed])
    report.counts["busy"] = len(part.codes) - len(claimed)
    gate = asyncio.Semaphore(resources.settings.fetch_concurrency)
    work = (_refresh(resources, media, thumbs.get(media.code, []), gate, report) for media in claimed)
    try:
        await in_pieces(work, SAVED_TOGETHER, partial(_save, resources, lease))
    finally:
        await resources.write(release_media, lease, [media.code for media in claimed])
    report.counts = +report.counts
    report.seconds = time.perf_counter() - start
    return report


async def _refresh(
    resources: Resources, media: Media, thumbs: Sequence[Thumb], gate: asyncio.Semaphore, report: RefreshReport
) -> Checked | TakenIn:
    async with gate:
        answer = await ask(resources, media)
        report.counts["asked"] += 1
        match answer:
            case Unchanged(fetched):
                report.counts["unchanged"] += 1
                return Checked(_checked(media, etag=fetched.etag, last_modified=fetched.last_modified))
            case Refused(error):
                return _refused(media, error, report)
            case Changed():
                try:
                    taken = await take_in(resources, media, thumbs if is_image(media) else [], answer)
                except MediaError as error:  # it cannot be decoded
                    return _refused(media, error, report)
                finally:
                    answer.incoming.unlink(missing_ok=True)
                report.counts["changed"] += 1
                return taken


def _refused(media: Media, error: MediaError, report: RefreshReport) -> Checked:
    """A source that is only busy is due still."""
    report.counts["busy" if error.retryable else "gone"] += 1
    report.failures.append(Failure.of(media, error.reason, final=not error.retryable))
    row = _checked(media, etag=media.etag, last_modified=media.last_modified, reason=error.reason)
    return Checked(row | {"checked_at": media.checked_at} if error.retryable else row)


def _checked(media: Media, *, etag: str | None, last_modified: str | None, reason: str | None = None) -> Row:
    """An origin may leave its validators out of a 304: then the ones that it knew are good still."""
    return {
        "code": media.code,
        "checked_at": utc_now(),
        "source_reason": reason,
        "etag": etag or media.etag,
        "last_modified": last_modified or media.last_modified,
    }


async def _save(resources: Resources, lease: Lease, piece: Sequence[Checked | TakenIn]) -> None:
    checked = [one.row for one in piece if isinstance(one, Checked)]
    taken = [one for one in piece if isinstance(one, TakenIn)]
    if checked:
        await resources.write(save_checked, lease, checked)
    if taken:
        await resources.write(save_and_report, lease, taken, resources.settings.public_url)
