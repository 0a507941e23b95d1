"""What the demo shows in the end: a table of the photographs, the seconds, and where to look further."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sais.demo.outcome import PRESETS, Outcome, worded
from sais.demo.thumbs import FetchedThumb
from sais.runs import EMBEDDED_PORT

# What a terminal would be asked for; a log has no width of its own, and 80 columns would cut the blurhashes.
LOG_WIDTH = 140


def demo_console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=LOG_WIDTH)


def outcome_table(outcomes: Iterable[Outcome]) -> Table:
    table = Table(title="What became of the photographs")
    for heading in ("Photograph", "Marking", *PRESETS, "Blurhash", "Webhook"):
        table.add_column(heading, no_wrap=heading in {"Photograph", "Marking"})
    for outcome in outcomes:
        table.add_row(
            escape(outcome.photograph.path),
            escape(worded(outcome.marking, outcome.reason)),
            *(thumb_cell(outcome.thumbs.get(preset)) for preset in PRESETS),
            escape(outcome.blurhash or "-"),
            "✓ verified" if outcome.webhook else "-",
        )
    return table


def thumb_cell(thumb: FetchedThumb | None) -> str:
    if thumb is None:
        return "-"
    return escape(thumb.trouble) if thumb.trouble else f"{thumb.width}x{thumb.height} {thumb.size:,} B"


def print_seconds(console: Console, seconds: Mapping[str, float]) -> None:
    told = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    console.print(f"From the start: {told}", highlight=False)


def addresses(url: str, batch: int, sums: Mapping[str, Any]) -> dict[str, str]:
    """Where a browser shows the batch; the flow run in the Prefect UI, as far as the gateway knows it."""
    prefect = f"http://127.0.0.1:{os.environ.get('SAIS_PREFECT_PORT') or EMBEDDED_PORT}"
    return {"Gallery": f"{url}/ui/batches/{batch}", "Prefect UI": str(sums.get("flowRunUrl") or prefect)}


def print_addresses(console: Console, addresses: Mapping[str, str]) -> None:
    """Each on a line of its own and never wrapped, so that it can be copied or clicked."""
    for name, address in addresses.items():
        console.print(f"{name:<12}{address}", markup=False, highlight=False, soft_wrap=True)


def print_verdict(console: Console, outcomes: Iterable[Outcome]) -> bool:
    """Whether everything was as expected; each thing that was not is a line."""
    outcomes = list(outcomes)
    complaints = [complaint for outcome in outcomes for complaint in outcome.complaints()]
    for complaint in complaints:
        console.print(f"✗ {complaint}", style="red", markup=False, highlight=False)
    if not complaints:
        console.print(f"✓ all {len(outcomes)} photographs as expected", style="green", highlight=False)
    return not complaints
