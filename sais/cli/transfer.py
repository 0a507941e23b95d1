"""`sais export` and `sais import`."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from sais.catalog.database import open_database
from sais.cli.output import AsJson, note, print_json, print_table
from sais.fetching import Guard
from sais.settings import Settings
from sais.transfer import Export, ExportOrder, Format, Import, ImportOrder, Tally, count_rows

BAD_SHOWN = 20
LOGGED = 20
Roots = Annotated[list[str] | None, typer.Option("--root", help="Only of this account; may be given again and again")]
Only = Annotated[str, typer.Option(help="Some of accounts,presets,media,thumbs; default: all")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count, and write nothing")]


def export(
    dest: Annotated[str, typer.Argument(help="A folder, a .zip, or a .parquet file for one kind of rows")],
    root: Roots = None,
    only: Only = "",
    form: Annotated[
        Format, typer.Option("--format", help="ndjson can be imported again, parquet is for analysis")
    ] = Format.NDJSON,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Hashes of keys, and webhook secrets as they are")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Writes accounts, presets, media and thumbs to files. Begun again after a kill, it goes on."""
    settings = Settings()
    engine = open_database(settings.effective_database_url)
    order = ExportOrder.of(dest, root or [], only.split(","), form, with_secrets=with_secrets)
    if dry_run:
        rows = count_rows(engine, order)
    else:
        exporting = Export(engine, order, settings.public_url)
        follow_steps(exporting.step)
        rows = exporting.finish()
    if as_json:
        print_json({"dest": str(order.dest), "rows": rows, "dryRun": dry_run})
    else:
        title = "Would be written" if dry_run else f"Written to {order.dest}"
        print_table(title, [{"kind": kind, "rows": count} for kind, count in rows.items()])


def import_(
    src: Annotated[str, typer.Argument(help="A folder or a .zip, of `sais export` or of the predecessor")],
    root: Roots = None,
    only: Only = "",
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave every row that is there as it is")
    ] = False,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Take over keys and webhook secrets; else accounts get new ones")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Reads an export into the database: new rows are added, older ones updated, newer ones kept. Begun again after a
    kill, it goes on. Exit code 1: some lines were no good rows."""
    settings = Settings()
    order = ImportOrder.of(
        src, root or [], only.split(","), skip_existing=skip_existing, with_secrets=with_secrets, dry_run=dry_run
    )
    importing = Import(open_database(settings.effective_database_url), order, Guard(settings.allow_hosts))
    follow_steps(lambda: _step_telling_keys(importing, quiet=as_json))
    if as_json:
        print_json(
            {
                **importing.tally.as_json(),
                "newKeys": importing.new_keys,
                "otherFiles": importing.source.others,
                "dryRun": dry_run,
            }
        )
    else:
        _show(importing.tally, importing.source.others, dry_run=dry_run)
    if importing.tally.refused:
        raise typer.Exit(1)


def follow_steps(step: Callable[[], str | None]) -> None:
    """On a terminal one line that changes; in a log a line each LOGGED steps, and one at the end of a kind of rows."""
    if not sys.stderr.isatty():
        said, number = step(), 0
        while said is not None:
            after, number = step(), number + 1
            if after is None or after.split(":")[0] != said.split(":")[0] or number % LOGGED == 0:
                note(said)
            said = after
        return
    with Status("", console=Console(stderr=True)) as status:
        while said := step():
            status.update(said)


def _step_telling_keys(importing: Import, *, quiet: bool) -> str | None:
    """At once: a key that is not told before a kill is lost, and `sais rotate-key` the way back."""
    before = set(importing.new_keys)
    said = importing.step()
    for root in importing.new_keys.keys() - before if not quiet else ():
        typer.echo(f"key of {root}  {importing.new_keys[root]}")
    return said


def _show(tally: Tally, others: list[str], *, dry_run: bool) -> None:
    rows: list[dict[str, Any]] = tally.rows()
    print_table("Would be imported" if dry_run else "Imported", rows)
    for bad in tally.bad[:BAD_SHOWN]:
        note(f"{bad['kind']} line {bad['line']}: {bad['problem']}")
    if tally.refused > BAD_SHOWN:
        note(f"… {tally.refused} bad lines in all; --json tells up to 1,000 of them")
        print_table("Bad lines", [{"problem": problem, "lines": count} for problem, count in tally.problems.items()])
    for key, lines in tally.ignored.items():
        note(f"ignored: {key} in {lines} lines")
    if others:
        note(f"not read: {', '.join(others[:BAD_SHOWN])}")
