"""`sais retry`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from sais.catalog.accounts import get_account
from sais.catalog.database import open_database, reading, writing
from sais.cli import remote
from sais.cli.here import start_run
from sais.cli.output import AsJson, note, print_json
from sais.fetching import Guard
from sais.retrying import Failed, look, retry_failed
from sais.settings import Settings

# The next piece → {"found", "batches", "last"}; True for a dry run.
Take = Callable[[Failed, bool], dict[str, Any]]
PIECE = 5_000


def retry(
    root: Annotated[str, typer.Argument(help="The account's root")],
    reason: Annotated[
        list[str] | None,
        typer.Option(
            help="A reason, or a class: passing (default), permanent, all, network, http_4xx, http_5xx; "
            "may be given again and again"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count them, and send nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Tries an account's failed images again, and nothing that succeeded."""
    settings = Settings()
    found, batches = 0, list[int]()
    which = Failed(reason or [], limit=PIECE)
    with _at_gateway(settings, root) if settings.url else _here(settings, root) as take:
        while (piece := take(which, dry_run))["found"]:
            found += piece["found"]
            batches += piece["batches"]
            for batch in piece["batches"]:
                note(f"batch {batch}: failed images of {root}")
            which = Failed(which.reasons, piece["last"], PIECE)
    if as_json:
        print_json({"account": root, "found": found, "batches": batches, "dryRun": dry_run})
    else:
        typer.echo(f"{found} failed images" + ("" if dry_run else f" tried again in {len(batches)} batches"))


@contextmanager
def _at_gateway(settings: Settings, root: str) -> Iterator[Take]:
    with remote.open_client(settings, root) as client:
        yield partial(remote.retry_piece, client)


@contextmanager
def _here(settings: Settings, root: str) -> Iterator[Take]:
    engine = open_database(settings.effective_database_url)
    yield partial(_take_here, engine, Guard(settings.allow_hosts), root)


def _take_here(engine: Engine, guard: Guard, root: str, which: Failed, dry_run: bool) -> dict[str, Any]:
    with reading(engine) if dry_run else writing(engine) as connection:
        account = get_account(connection, root)
        done = look(connection, account, which) if dry_run else retry_failed(connection, account, which, guard=guard)
    for batch in done.pending:
        start_run(engine, batch)
    return {"found": done.found, "batches": [batch.id for batch in done.batches], "last": done.last}
