"""What commands print: JSON alone on standard output with `--json`, else a table."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="JSON alone on standard output")]


def print_json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(title: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """One column for each key of the first row."""
    table = Table(title=title, title_justify="left")
    lines = list(rows)
    for column in lines[0] if lines else ():
        table.add_column(str(column))
    for line in lines:
        table.add_row(*("" if value is None else str(value) for value in line.values()))
    Console().print(table)


def note(message: str) -> None:
    """For people, on standard error, so that it never mixes with the output."""
    typer.echo(message, err=True)


def follow(sums: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A line on standard error whenever the sums of a batch have changed, so that a log stays short; the last sums."""
    shown = None
    last: dict[str, Any] = {}
    for now in sums:
        last = dict(now)
        settled = now["done"] + now["failed"] + now["rejected"]
        if settled != shown:
            note(f"batch {now['id']}: {settled} of {now['submitted']} settled")
            shown = settled
    return last
