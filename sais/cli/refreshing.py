"""`sais refresh`."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Annotated

import typer

from sais.catalog.accounts import get_account
from sais.catalog.sources import count_due
from sais.cli.in_process import resources_here
from sais.cli.output import AsJson, note, print_json
from sais.durations import parse_age
from sais.refreshing.parts import next_part
from sais.refreshing.refreshing import refresh_part
from sais_models.columns import utc_now


def refresh(
    root: Annotated[str, typer.Argument(help="The account's root")],
    older_than: Annotated[str, typer.Option(help="Sources that were last asked longer ago: 30d, 12h …")] = "30d",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many; default: all that are due")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due, and ask nobody")] = False,
    as_json: AsJson = False,
) -> None:
    """Asks the sources of an account again whether their images have changed, and takes in what has.

    Webhooks of changed images go into the outbox. A source that is gone is noted, and its original kept.
    """
    before = utc_now() - parse_age(older_than)
    counts = asyncio.run(_refresh(root, before, limit, dry_run))
    if as_json:
        print_json({"account": root, "counts": dict(counts), "dryRun": dry_run})
    else:
        typer.echo(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))


async def _refresh(root: str, before: datetime, limit: int | None, dry_run: bool) -> Counter[str]:
    async with resources_here() as resources:
        await resources.read(get_account, root)
        counts = Counter(due=await resources.read(count_due, root, before))
        left = 0 if dry_run else limit
        part = await next_part(resources, root, before, after=None, limit=left)
        while part is not None:
            report = await refresh_part(resources, part)
            note(str(report))
            for failure in report.failures:
                note(f"{failure.code} stays as it is: {failure.reason} ({failure.address})")
            counts.update(report.counts)
            left = None if left is None else left - len(part.codes)
            part = await next_part(resources, root, before, after=part, limit=left)
        return counts
