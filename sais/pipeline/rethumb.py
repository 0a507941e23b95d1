"""Making stale thumbs again: those whose preset was changed after they were made."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from sais.addressing import thumb_path
from sais.catalog.bulk import Row
from sais.catalog.media import Lease, release_media, save_thumbs, still_held
from sais.catalog.stale import claim_stale
from sais.errors import MediaError
from sais.imaging import Rendition
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import Failure
from sais.pipeline.thumbs import GROUP_IMAGES, done_thumb, flush_thumbs, grouped, make_thumbs
from sais.pipeline.thumbs import Wanted as Thumbing
from sais.rethumbing.parts import Part
from sais.rethumbing.rates import keep_rate
from sais.rethumbing.telling import tell_thumbs
from sais.rethumbing.work import Rethumbing

# Groups; at a slow pace each by itself, for until the row is saved file and row do not belong together.
SAVED_TOGETHER = 4


class PartReport:
    """`done`, `left` (to a batch or run that has them) and `failed` are images."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.done = 0
        self.left = 0
        self.failures: list[Failure] = []
        self.seconds = 0.0

    def __str__(self) -> str:
        line = f"rethumb {self.part.name}: {self.done} done, {len(self.failures)} failed, {self.left} left to others"
        return f"{line} in {self.seconds:.1f} s"


async def rethumb_part(work: Rethumbing, part: Part) -> PartReport:
    """The old files are served until the new ones are whole. A picture that fails keeps its old thumbs.

    Raises StorageError for the archive or the cache; what is done by then is saved.
    """
    report, resources = PartReport(part), work.resources
    async with work.giving_way.turn():
        with work.working():
            start = time.perf_counter()
            lease = resources.lease()
            claimed, report.left = await resources.write(claim_stale, work.presets, part.codes, lease)
            batch = await work.batch_of(part.root) if claimed else None
            thumbing = [Thumbing(stale.media, [resources.presets[name] for name in stale.presets]) for stale in claimed]
            remaking = (_remake(work, group, report) for group in _groups(work, thumbing))

            async def save(piece: Sequence[Sequence[Made]]) -> None:
                made = [each for group in piece for each in group]
                await flush_thumbs(resources, [each.wanted for each in made if each.rows])
                saved = await resources.write(_save, lease, made, batch, resources.settings.public_url)
                work.counts.update(saved)
                report.done += saved["images"]

            await in_pieces(remaking, SAVED_TOGETHER if work.wanted.rate is None else 1, save)
            report.seconds = time.perf_counter() - start
    work.counts["left"] += report.left
    return report


def _groups(work: Rethumbing, wanted: Sequence[Thumbing]) -> Iterable[Sequence[Thumbing]]:
    """A group is a second's worth at most."""
    rate = work.wanted.rate
    slow = rate is not None and rate < GROUP_IMAGES
    return ([each] for each in wanted) if slow else grouped(work.resources, wanted)


class Made(NamedTuple):
    """Whole rows of the thumbs that are new; none for a picture that failed."""

    wanted: Thumbing
    rows: list[Row]


async def _remake(work: Rethumbing, group: Sequence[Thumbing], report: PartReport) -> list[Made]:
    async with work.gate:
        await asyncio.sleep(max(work.pace.take(time.monotonic()) for _ in group))
        former = [await work.samples[each.media.root].before(_shown(each)) for each in group]
        done = await make_thumbs(work.resources, group)
        for each, data, outcome in zip(group, former, done, strict=True):
            if isinstance(outcome, Rendition):
                await work.samples[each.media.root].after(data, _shown(each))
    return [_made(work, each, outcome, report) for each, outcome in zip(group, done, strict=True)]


def _shown(wanted: Thumbing) -> str:
    """The path of its widest thumb."""
    return thumb_path(max(wanted.presets, key=lambda preset: preset.width).name, wanted.media.path or "")


def _made(work: Rethumbing, wanted: Thumbing, outcome: Rendition | MediaError, report: PartReport) -> Made:
    media = wanted.media
    if isinstance(outcome, MediaError):
        failure = Failure.of(media, outcome.reason, final=not outcome.retryable)
        work.failures[media.code] = (media.root, failure)
        report.failures.append(failure)
        return Made(wanted, [])
    return Made(wanted, [done_thumb(media.code, thumb) for thumb in outcome.thumbs])


def _save(
    connection: Connection,
    lease: Lease,
    piece: Sequence[Made],
    batch: int | None,
    public_url: str,
) -> Counter[str]:
    """Rows change after their files exist; the webhooks are written in the same transaction."""
    codes = [each.wanted.media.code for each in piece]
    held = still_held(connection, lease, codes)
    made = {each.wanted.media.code: each.rows for each in piece if each.rows and each.wanted.media.code in held}
    save_thumbs(connection, [row for rows in made.values() for row in rows])
    release_media(connection, lease, codes)
    saved = Counter({"images": len(made), "thumbs": sum(map(len, made.values()))})
    if batch is not None and made:
        names = {code: [row["preset"] for row in rows] for code, rows in made.items()}
        saved["webhooks"] = tell_thumbs(connection, batch, names, public_url=public_url)
    return saved


async def end_rethumb(work: Rethumbing) -> None:
    """Keeps how fast it was, for the next plan."""
    await work.resources.write(keep_rate, work.resources.run, work.measured)
