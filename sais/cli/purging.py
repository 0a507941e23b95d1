"""`sais purge`."""

import asyncio
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from sais import retention
from sais.catalog.database import open_database, reading
from sais.catalog.threaded import ThreadedDatabase
from sais.cli.output import AsJson, note, print_json, print_table
from sais.configuration import Configuration
from sais.errors import InputError
from sais.purging import (
    Purge,
    Purged,
    begin_account,
    codes_by_root,
    end_account,
    open_files,
    plan_account,
    plan_media,
    plan_row,
    purge_all_media,
    purge_media,
)
from sais.settings import Settings


def purge(
    root: Annotated[str | None, typer.Argument(help="The account that is to go, with everything it has")] = None,
    media: Annotated[
        list[str] | None, typer.Option(help="Only this media, by its code; may be given again and again")
    ] = None,
    old: Annotated[
        bool, typer.Option("--old", help="Old deliveries and batches instead, as SAIS_KEEP_*_DAYS say")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and delete nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Deletes an account, or media: files, rows, and a webhook for each. Begun again after a kill, it goes on. Exit
    code 1: a run still holds some of the media; the same command deletes them when it is done."""
    if [root is not None, bool(media), old].count(True) != 1:
        raise InputError("give a ROOT, or --media, or --old", field="root")
    settings = Settings()
    configuration = Configuration.from_settings(settings)
    engine = open_database(configuration.database_url)
    if old:
        _purge_old(engine, settings, dry_run=dry_run, as_json=as_json)
        return
    with reading(engine) as connection:
        plan = plan_media(connection, media or []) if root is None else [plan_account(connection, root)]
    if not as_json:
        print_table("To be deleted", [plan_row(count) for count in plan])
    if dry_run:
        if as_json:
            print_json({"plan": [asdict(count) for count in plan], "dryRun": True})
        return
    _confirm(root or f"{sum(count.media for count in plan)} media", yes=yes)
    outcome = asyncio.run(_purge_here(engine, configuration, root, media or []))
    if as_json:
        print_json({"plan": [asdict(count) for count in plan], **outcome})
    else:
        _tell(outcome)
    if outcome["busy"]:
        raise typer.Exit(1)


def _confirm(what: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"nobody is here to be asked: --yes deletes {what}, --dry-run only tells", field="yes")
    typer.confirm(f"Delete {what} for good?", abort=True, err=True)


async def _purge_here(
    engine: Engine, configuration: Configuration, root: str | None, codes: list[str]
) -> dict[str, Any]:
    database = ThreadedDatabase(engine)
    total = Purged()
    outcome: dict[str, Any] = {}
    async with open_files(configuration) as files:
        if root is None:
            by_root = await database.read(codes_by_root, codes)
            for owner, own in by_root.items():
                purge = Purge(database, files, owner, configuration.settings.lease_seconds)
                async for piece in purge_media(purge, own):
                    total += piece
            known = {code for own in by_root.values() for code in own}
            total.unknown += [code for code in codes if code not in known]
        else:
            await begin_account(database, root)
            async for piece in purge_all_media(Purge(database, files, root, configuration.settings.lease_seconds)):
                total += piece
                note(f"{total.deleted} media deleted")
            if not total.busy:
                outcome["account"] = asdict(await end_account(database, files, root))
    return {**asdict(total), **outcome}


def _tell(outcome: dict[str, Any]) -> None:
    typer.echo(f"{outcome['deleted']} media deleted")
    for code in outcome["unknown"]:
        note(f"no account has the media {code[:60]}")
    if outcome["busy"]:
        note(f"{outcome['busy']} media are held by a run: repeat this when it has ended")
    end = outcome.get("account")
    if end and end["buried"]:
        typer.echo("the account is gone")
    elif end:
        note(f"{end['waiting']} webhooks are still to be delivered; then the account's row goes by itself")


def _purge_old(engine: Engine, settings: Settings, *, dry_run: bool, as_json: bool) -> None:
    found = asdict((retention.count_old if dry_run else retention.remove_old)(engine, settings))
    if as_json:
        print_json({**found, "dryRun": dry_run})
    else:
        print_table("Would be deleted" if dry_run else "Deleted", [found])
