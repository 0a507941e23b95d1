"""`sais queue` and `sais status`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sais.catalog.accounts import get_account, list_accounts
from sais.catalog.database import open_database, reading
from sais.catalog.media import count_by_marking
from sais.cli import here, remote
from sais.cli.limits import in_words, limited_accounts
from sais.cli.orders import Order
from sais.cli.output import AsJson, follow, print_json, print_table
from sais.settings import Settings
from sais_models import MediaMarking


def queue(
    root: Annotated[str, typer.Argument(help="The account's root")],
    url: Annotated[list[str] | None, typer.Option(help="An image's address; may be given again and again")] = None,
    path: Annotated[list[Path] | None, typer.Option(help="An image of this machine; again and again")] = None,
    manifest: Annotated[
        str | None, typer.Option(help="CSV, TSV, JSONL, Parquet or plain list, gzip too; a path or s3:// address")
    ] = None,
    preset: Annotated[list[str] | None, typer.Option(help="A preset's name; may be given again and again")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every image has settled")] = False,
    as_json: AsJson = False,
) -> None:
    """Puts images into the queue of an account and starts a run for them.

    All addresses are one batch, the manifest is one, and each image of this machine is one. JSON is an object for one
    batch, a list for more; `rows` in it are the images that were sent from here.
    """
    settings = Settings()
    order = Order(root, url or [], path or [], manifest, preset or [])
    order.check()
    with remote.opened(settings, root) if settings.url else here.opened(settings, root) as door:
        sent = list(order.send(door))
        done = [follow(door.watch(one.batch)) if wait else door.sums(one.batch) for one in sent]
    if as_json:
        told = [sums | ({"rows": one.rows} if one.rows else {}) for sums, one in zip(done, sent, strict=True)]
        print_json(told[0] if len(told) == 1 else told)
    else:
        hidden = ("root", "reasons", "marking", "flowRunUrl")
        for row in (row for one in sent for row in one.rows):
            typer.echo(f"{row['path']}   size: {row['size']}")
        print_table(f"Batches of {root}", [{k: v for k, v in sums.items() if k not in hidden} for sums in done])
    if wait and any(sums["failed"] + sums["rejected"] + sums["cancelled"] for sums in done):
        raise typer.Exit(1)


def status(
    root: Annotated[str | None, typer.Argument(help="An account; default: all")] = None, as_json: AsJson = False
) -> None:
    """How many media of each account are in which marking, and what it uses of its limits."""
    settings = Settings()
    counts = dict([remote.counts(settings, root)]) if settings.url else _counts_here(settings, root)
    limited = {} if settings.url else _limits_here(settings, root)
    rows = [
        {"account": name, **{m.value: count.get(m.value, 0) for m in MediaMarking}} for name, count in counts.items()
    ]
    if as_json:
        print_json([row | limited.get(str(row["account"]), {}) for row in rows])
        return
    print_table("Media by marking", rows)
    if limited:
        print_table("Limits", [in_words(row) for row in limited.values()])


def _counts_here(settings: Settings, root: str | None) -> Mapping[str, Mapping[str, int]]:
    with reading(open_database(settings.effective_database_url)) as connection:
        roots = [get_account(connection, root).root] if root else [a.root for a in list_accounts(connection)]
        counts = count_by_marking(connection, root)
    return {name: {marking.value: count for marking, count in counts.get(name, {}).items()} for name in roots}


def _limits_here(settings: Settings, root: str | None) -> dict[str, dict[str, Any]]:
    with reading(open_database(settings.effective_database_url)) as connection:
        return {row["account"]: row for row in limited_accounts(connection, root)}
