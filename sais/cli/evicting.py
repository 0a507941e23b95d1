"""`sais evict`."""

import asyncio
from typing import Annotated

import typer

from sais.cli.in_process import resources_here
from sais.cli.output import AsJson, note, print_json
from sais.durations import parse_age
from sais.evicting.evicting import Evicted, evict_page, evict_pages, plan_eviction, rule_of
from sais.evicting.rule import Cut


def evict(
    older_than: Annotated[
        str | None, typer.Option(help="Last used longer ago: 7d, 12h …; default: SAIS_ORIGINALS_DAYS")
    ] = None,
    keep_gb: Annotated[
        float | None,
        typer.Option(min=0, help="The longest unused go until so much is left; default: SAIS_ORIGINALS_MAX_BYTES"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is to go, and delete nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Deletes local originals whose thumbs are made and which the archive has whole.

    They come back from the archive when a new preset wants them.
    """
    days = None if older_than is None else parse_age(older_than).total_seconds() / 86_400
    cut, evicted = asyncio.run(_evict(days, keep_gb, dry_run))
    if as_json:
        print_json(
            {
                "files": cut.all_files,
                "bytes": cut.all_size,
                "toGo": {"files": cut.files, "bytes": cut.size},
                "outcome": dict(evicted.counts),
                "freed": evicted.size,
                "dryRun": dry_run,
            }
        )
        return
    note(f"{cut.all_files} local originals, {cut.all_size / 1e6:.1f} MB; to go: {cut.files}, {cut.size / 1e6:.1f} MB")
    if not dry_run:
        typer.echo(str(evicted))


async def _evict(days: float | None, keep_gb: float | None, dry_run: bool) -> tuple[Cut, Evicted]:
    evicted = Evicted()
    async with resources_here() as resources:
        cut = await plan_eviction(resources, rule_of(resources.settings, days=days, keep_gb=keep_gb))
        if not dry_run:
            async for page in evict_pages(resources, cut):
                evicted.add(await evict_page(resources, page))
    return cut, evicted
