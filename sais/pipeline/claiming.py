"""What of a chunk a step may work on: claimed by its run, and in the hands of no other chunk of the same run."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sais.catalog.media import Lease, claim_media, count_unclaimed
from sais.pipeline.report import ChunkReport
from sais.pipeline.resources import Resources
from sais_models import Media, MediaMarking


class Claim:
    """The media, the lease on them, and the report of the step."""

    def __init__(self, lease: Lease, media: list[Media], report: ChunkReport) -> None:
        self.lease = lease
        self.media = media
        self.report = report


@asynccontextmanager
async def claiming(
    resources: Resources, report: ChunkReport, markings: Sequence[MediaMarking], names: Sequence[str]
) -> AsyncIterator[Claim]:
    """Of the media only `names` are there: all columns take three times as long to read. At its end the report tells
    what others hold, and how long it took."""
    start = time.perf_counter()
    hold, lease, chunk = resources.hold, resources.lease(), report.chunk
    claimed = await resources.write(claim_media, chunk, lease, markings, names)
    # The same address may stand in two chunks that are worked on at once.
    mine = [media for media in claimed if media.code not in hold.in_hand]
    hold.in_hand.update(media.code for media in mine)
    try:
        yield Claim(lease, mine, report)
    finally:
        hold.in_hand.difference_update(media.code for media in mine)
    elsewhere = await resources.read(count_unclaimed, chunk, hold.run, markings)
    report.held = elsewhere + len(claimed) - len(mine)
    report.seconds = time.perf_counter() - start
