"""The command line: `sais COMMAND`. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import sys

import typer

from sais.cli import (
    accounts,
    bots,
    cancelling,
    doctor,
    evicting,
    iterating,
    keys,
    limits,
    presets,
    purging,
    queueing,
    refreshing,
    rethumb,
    retrying,
    stack,
    syncing,
    transfer,
    webhooks,
)
from sais.errors import InputError, SaisError

app = typer.Typer(
    name="sais",
    help="Survos Async Image Server: fetches, archives and thumbnails images by the million.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("up")(stack.up)
app.command("demo")(stack.demo)
app.command("register")(accounts.register)
app.command("rotate-key")(keys.rotate)
app.command("limits")(limits.limits)
app.command("queue")(queueing.queue)
app.command("status")(queueing.status)
app.command("iterate")(iterating.iterate)
app.command("retry")(retrying.retry)
app.command("cancel")(cancelling.cancel)
app.command("export")(transfer.export)
app.command("import")(transfer.import_)
app.command("purge")(purging.purge)
app.command("sync")(syncing.sync)
app.command("evict")(evicting.evict)
app.command("refresh")(refreshing.refresh)
app.command("doctor")(doctor.doctor)
app.add_typer(rethumb.app, name="rethumb")
app.add_typer(presets.app, name="presets")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(bots.app, name="bots")


def main() -> None:
    """The console script's entry: an error of ours is one line on standard error, never a stack trace."""
    try:
        app()
    except InputError as error:
        typer.echo(f"sais: {error}", err=True)
        sys.exit(2)
    except SaisError as error:
        typer.echo(f"sais: {error}", err=True)
        sys.exit(1)
