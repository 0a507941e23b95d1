"""The batch as it moves: a bar on a terminal, plain lines in a log."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Sums = dict[str, Any]


def show_progress(console: Console, sums: Iterator[Sums]) -> Iterator[Sums]:
    """Passes the sums through, and shows each."""
    return show_bar(console, sums) if console.is_terminal else show_lines(console, sums)


def show_bar(console: Console, sums: Iterator[Sums]) -> Iterator[Sums]:
    columns = (
        TextColumn("photographs"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=None)
        for now in sums:
            progress.update(task, total=now["accepted"], completed=settled(now), description=counted(now))
            yield now


def show_lines(console: Console, sums: Iterator[Sums]) -> Iterator[Sums]:
    """A line for each change only, because a log keeps them all."""
    last = ""
    for now in sums:
        line = f"{settled(now)} of {now['accepted']} photographs: {counted(now)}"
        if line != last:
            console.print(line, highlight=False)
        last = line
        yield now


def settled(sums: Sums) -> int:
    return int(sums["done"]) + int(sums["failed"])


def counted(sums: Sums) -> str:
    return f"{sums['done']} done, {sums['failed']} failed, {sums['rejected']} rejected"
