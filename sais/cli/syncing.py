"""`sais sync`."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from sais.catalog.database import open_database
from sais.cli.here import start_run
from sais.cli.in_process import resources_here
from sais.cli.output import AsJson, note, print_json, print_table
from sais.durations import parse_age
from sais.settings import Settings
from sais.syncing.comparing import MISSING_SHARE, check_shares
from sais.syncing.outcome import SyncOutcome, outcome_of
from sais.syncing.plan import plan_sync
from sais.syncing.whole import find_all, mend_all
from sais_models import Batch


def sync(
    root: Annotated[str, typer.Argument(help="The account's root")],
    repair: Annotated[bool, typer.Option("--repair", help="Mend what differs")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --repair: only say whether it would")] = False,
    checksums: Annotated[bool, typer.Option("--checksums", help="Read the archive's bytes, each version once")] = False,
    allow_missing_share: Annotated[
        float, typer.Option(min=0, max=1, help="Largest share of a storage's files that may be lost and is mended")
    ] = MISSING_SHARE,
    orphans_older_than: Annotated[str, typer.Option(help="Younger files are no orphans: 1h, 30m …")] = "1h",
    as_json: AsJson = False,
) -> None:
    """Compares the archive and the thumb cache of an account with its rows: missing, orphaned, other than its row.

    Changes nothing without --repair: then lost thumbs are made again, lost originals come from this machine or their
    source, and files that no row names move to .quarantine/DATE/.
    """
    age = parse_age(orphans_older_than)
    outcome, batches = asyncio.run(_sync(root, repair, dry_run, checksums, allow_missing_share, age))
    engine = open_database(Settings().effective_database_url)
    for batch in batches:
        start_run(engine, batch)
    if as_json:
        print_json(
            {
                "account": root,
                "sums": dict(outcome.sums),
                "storages": outcome.sum_rows,
                "differences": outcome.finding_rows,
                "batches": [batch.id for batch in batches],
                "repaired": repair and not dry_run,
            }
        )
        return
    print_table(f"Where {root}'s files and rows differ", outcome.finding_rows)
    typer.echo(", ".join(f"{name}: {count}" for name, count in sorted(outcome.sums.items())))


async def _sync(
    root: str, repair: bool, dry_run: bool, checksums: bool, share: float, orphan_age: timedelta
) -> tuple[SyncOutcome, list[Batch]]:
    async with resources_here() as resources:
        plan = await plan_sync(resources, root, orphan_age=orphan_age)
        findings = await find_all(resources, plan, checksums=checksums, tell=note)
        outcome = await outcome_of(resources, plan, findings)
        if not repair:
            return outcome, []
        await check_shares(resources, plan, findings, share)
        if dry_run:
            return outcome, []
        counts, batches = await mend_all(resources, plan)
        outcome.sums.update(counts)
        return outcome, batches
