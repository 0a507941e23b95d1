"""Making stale thumbs again: those whose preset was changed after they were made."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from sais.catalog.bulk import Row
from sais.catalog.media import save_thumbs
from sais.catalog.stale import StaleCount, count_stale, stale_codes, stale_thumbs
from sais.errors import MediaError, UnknownPreset
from sais.pipeline.gathering import in_pieces
from sais.pipeline.report import Failure
from sais.pipeline.resources import Resources
from sais.pipeline.thumbs import Wanted, done_thumb, flush_thumbs, grouped, make_thumbs
from sais_models import PresetSettings

SAVED_TOGETHER = 4  # groups


@dataclass(frozen=True)
class Part:
    """A slice of an account's stale media: the codes from `first` to `last`, in their order."""

    root: str
    no: int
    codes: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.root}-c{self.no:02d}"


@dataclass
class PartReport:
    part: Part
    done: int
    failures: list[Failure]
    seconds: float

    def __str__(self) -> str:
        return f"rethumb {self.part.name}: {self.done} done, {len(self.failures)} failed in {self.seconds:.1f} s"


def chosen(resources: Resources, names: Sequence[str]) -> list[PresetSettings]:
    """All presets without `names`. Raises UnknownPreset."""
    unknown = [name for name in names if name not in resources.presets]
    if unknown:
        raise UnknownPreset(
            f"unknown preset {unknown[0]!r}; there are: {', '.join(resources.presets)}", field="presets"
        )
    return [resources.presets[name] for name in names or resources.presets]


async def plan_rethumb(resources: Resources, roots: Sequence[str], names: Sequence[str]) -> list[StaleCount]:
    return await resources.read(count_stale, chosen(resources, names), roots)


async def next_part(resources: Resources, root: str, names: Sequence[str], *, after: Part | None) -> Part | None:
    """The next slice of the account; None when there is no more. Codes are walked in order, so that it ends."""
    last = after.codes[-1] if after else ""
    number = after.no + 1 if after else 1
    limit = resources.settings.chunk_images
    codes = await resources.read(stale_codes, chosen(resources, names), root, after=last, limit=limit)
    return Part(root, number, tuple(codes)) if codes else None


async def rethumb_part(resources: Resources, part: Part, names: Sequence[str]) -> PartReport:
    """The old files are served until the new ones are whole. A picture that fails keeps its old thumbs."""
    start = time.perf_counter()
    stale = await resources.read(stale_thumbs, chosen(resources, names), part.codes)
    report = PartReport(part, 0, [], 0.0)
    wanted = [Wanted(media, [resources.presets[name] for name in presets]) for media, presets in stale]
    work = (_remake(resources, group, report) for group in grouped(resources, wanted))
    async for piece in in_pieces(work, SAVED_TOGETHER):
        await flush_thumbs(resources, [each for made in piece for each in made.wanted])
        await resources.write(_save, [row for made in piece for row in made.rows])
    report.seconds = time.perf_counter() - start
    return report


class Made(NamedTuple):
    """`wanted` that are in the cache now, and the rows of their thumbs."""

    wanted: list[Wanted]
    rows: list[Row]


async def _remake(resources: Resources, group: Sequence[Wanted], report: PartReport) -> Made:
    made = Made([], [])
    for each, outcome in zip(group, await make_thumbs(resources, group), strict=True):
        if isinstance(outcome, MediaError):
            report.failures.append(Failure.of(each.media, outcome.reason, final=True))
            continue
        report.done += 1
        made.wanted.append(each)
        made.rows.extend(done_thumb(each.media.code, thumb) for thumb in outcome.thumbs)
    return made


def _save(connection: Connection, rows: list[Row]) -> None:
    save_thumbs(connection, rows)
