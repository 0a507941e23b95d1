"""`sais iterate`."""

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
from sais.iterating import Piece, look, send_again
from sais.settings import Settings

# The next piece → {"found", "batch", "last"}; True for a dry run.
Take = Callable[[Piece, bool], dict[str, Any]]


def iterate(
    root: Annotated[str, typer.Argument(help="The account's root")],
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Images in a batch")] = 500,
    offset: Annotated[int, typer.Option(min=0, help="How many are left out at first")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many; default: all")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count them, and send nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Sends an account's unfinished images again: never worked on to the end, without a thumb of the account's presets,
    or failed for a reason that may have passed."""
    settings = Settings()
    batches: list[int] = []
    found = 0
    with _at_gateway(settings, root) if settings.url else _here(settings, root) as take:
        for piece in _pieces(take, Piece(offset=offset, limit=batch), limit, dry_run):
            found += piece["found"]
            if piece["batch"] is not None:
                batches.append(piece["batch"])
                note(f"batch {piece['batch']}: {piece['found']} images")
    if as_json:
        print_json({"account": root, "found": found, "batches": batches, "dryRun": dry_run})
    else:
        typer.echo(f"{found} unfinished images" + ("" if dry_run else f" sent again in {len(batches)} batches"))


def _pieces(take: Take, piece: Piece, limit: int | None, dry_run: bool) -> Iterator[dict[str, Any]]:
    left = limit
    while left is None or left > 0:
        size = piece.limit if left is None else min(piece.limit, left)
        got = take(Piece(piece.after, piece.offset, size), dry_run)
        if not got["found"]:
            return
        yield got
        left = None if left is None else left - got["found"]
        piece = Piece(got["last"], 0, piece.limit)


@contextmanager
def _at_gateway(settings: Settings, root: str) -> Iterator[Take]:
    with remote.open_client(settings, root) as client:
        yield partial(remote.iterate_piece, client)


@contextmanager
def _here(settings: Settings, root: str) -> Iterator[Take]:
    engine = open_database(settings.effective_database_url)
    yield partial(_take_here, engine, Guard(settings.allow_hosts), root)


def _take_here(engine: Engine, guard: Guard, root: str, piece: Piece, dry_run: bool) -> dict[str, Any]:
    with reading(engine) if dry_run else writing(engine) as connection:
        account = get_account(connection, root)
        again = look(connection, account, piece) if dry_run else send_again(connection, account, piece, guard=guard)
    if again.batch is not None and again.pending:
        start_run(engine, again.batch)
    return {"found": again.found, "batch": again.batch.id if again.batch else None, "last": again.last}
