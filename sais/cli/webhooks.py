"""`sais webhooks list|replay`."""

from typing import Annotated

import typer

from sais.catalog.database import open_database, reading, writing
from sais.catalog.deliveries import find_deliveries, replay_dead
from sais.cli.output import AsJson, note, print_json, print_table
from sais.fetching import redact_url
from sais.settings import Settings
from sais_models import DeliveryMarking

app = typer.Typer(help="The outbox: what waits, what was delivered, what is dead.", no_args_is_help=True)
Root = Annotated[str | None, typer.Option(help="Only of this account")]
BatchId = Annotated[int | None, typer.Option(help="Only of this batch")]


@app.command("list")
def list_webhooks(
    marking: Annotated[DeliveryMarking, typer.Option(help="Which ones")] = DeliveryMarking.DEAD,
    root: Root = None,
    batch: BatchId = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """The newest first."""
    with reading(open_database(Settings().effective_database_url)) as connection:
        found = find_deliveries(connection, marking, root=root, batch_id=batch, limit=limit)
    rows = [
        {
            "id": delivery.id,
            "batch": delivery.batch_id,
            "kind": delivery.kind.value,
            "subject": delivery.subject,
            "receiver": redact_url(delivery.url),
            "attempts": delivery.attempts,
            "reason": delivery.reason,
            "created": delivery.created_at.isoformat(timespec="seconds"),
        }
        for delivery in found
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(f"{len(rows)} {marking.value}", rows)


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids; default: all dead ones")] = None,
    root: Root = None,
    batch: BatchId = None,
) -> None:
    """Puts dead webhooks back into the outbox, with the same id and body; the next delivery run sends them."""
    with writing(open_database(Settings().effective_database_url)) as connection:
        count = replay_dead(connection, ids=ids or (), root=root, batch_id=batch)
    note(f"{count} webhooks are due again")
