"""`sais doctor`."""

import asyncio
from dataclasses import asdict

import typer

from sais.cli.output import AsJson, print_json
from sais.configuration import Configuration
from sais.doctor import examine
from sais.runs import PrefectSettings
from sais.settings import Settings


def doctor(as_json: AsJson = False) -> None:
    """Checks database, storages, disk, Prefect, worker and deployments, and says what to do. Exit code 1: something is
    wrong."""
    found = asyncio.run(examine(Configuration.from_settings(Settings()), PrefectSettings.or_embedded()))
    if as_json:
        print_json([{"check": one.check, "ok": one.ok, **asdict(one)} for one in found])
    else:
        for one in found:
            typer.echo(f"{'ok ' if one.ok else 'NOT'}  {one.check:12} {one.detail}")
            if one.remedy:
                typer.echo(f"{'':18}→ {one.remedy}")
    if not all(one.ok for one in found):
        raise typer.Exit(1)
