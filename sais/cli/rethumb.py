"""`sais rethumb plan|apply`."""

import asyncio
import os
from typing import Annotated

import typer

from sais.cli.in_process import resources_here
from sais.cli.output import AsJson, note, print_json, print_table
from sais.rethumbing.parts import Wanted
from sais.rethumbing.planning import RethumbPlan, plan_rethumb
from sais.rethumbing.whole import rethumb_all
from sais.rethumbing.work import Rethumbing

app = typer.Typer(help="Thumbs whose preset has changed since they were made.", no_args_is_help=True)
Accounts = Annotated[list[str] | None, typer.Option("--account", help="Only this account's; may be given again")]
Presets = Annotated[list[str] | None, typer.Option("--preset", help="Only this preset's; may be given again")]
Rate = Annotated[float | None, typer.Option(min=0.1, help="Images a second at most; default: as fast as it goes")]
# Below the gateway and below whatever makes new thumbs.
NICENESS = 10


@app.command()
def plan(accounts: Accounts = None, presets: Presets = None, rate: Rate = None, as_json: AsJson = False) -> None:
    """Counts what is stale and what is to be read for it; changes nothing."""
    found = asyncio.run(_plan(_wanted(accounts, presets, rate)))
    if as_json:
        print_json(found.body())
        return
    print_table(f"{found.thumbs} stale thumbs of {found.images} images", [row.row() for row in found.accounts])
    typer.echo(f"minutes: {found.estimate}")


@app.command()
def apply(
    accounts: Accounts = None,
    presets: Presets = None,
    rate: Rate = None,
    notify: Annotated[
        bool, typer.Option("--notify", help="Tell each account's thumb callback of each thumb that was made again")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Makes stale thumbs again, in this process; killed and begun again, it goes on. Exit code 1: some images failed
    and keep their old thumbs."""
    os.nice(NICENESS)
    work = asyncio.run(_apply(_wanted(accounts, presets, rate), notify))
    reasons = _reasons(work)
    if as_json:
        print_json({**work.sums, "reasons": reasons})
    else:
        print_table("Thumbs made again", [work.sums])
        for reason, images in reasons.items():
            note(f"{images} images keep their old thumbs: {reason}")
    if work.failures:
        raise typer.Exit(1)


def _wanted(accounts: list[str] | None, presets: list[str] | None, rate: float | None) -> Wanted:
    return Wanted(tuple(accounts or ()), tuple(presets or ()), rate)


def _reasons(work: Rethumbing) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for _, failure in work.failures.values():
        reasons[failure.reason] = reasons.get(failure.reason, 0) + 1
    return reasons


async def _plan(wanted: Wanted) -> RethumbPlan:
    async with resources_here() as resources:
        return await plan_rethumb(resources, wanted)


async def _apply(wanted: Wanted, notify: bool) -> Rethumbing:
    async with resources_here() as resources:
        return await rethumb_all(resources, wanted, notify=notify, tell=note)
