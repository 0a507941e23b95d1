"""`sais webhooks list|replay`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from sais.catalog.database import open_database, reading, writing
from sais.cli import remote
from sais.cli.output import AsJson, note, print_json, print_table
from sais.errors import InputError
from sais.settings import Settings
from sais.webhooks.dead_letters import list_webhooks, replay_webhooks
from sais_models import DeliveryMarking
from sais_models.columns import utc_now
from sais_models.wire import WebhookChoice

app = typer.Typer(help="The outbox: what waits, what was delivered, what is dead.", no_args_is_help=True)
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of webhooks; default: all that the options name")]
Root = Annotated[str | None, typer.Option(help="Only of this account")]
BatchId = Annotated[int | None, typer.Option(help="Only of this batch")]
Receiver = Annotated[str | None, typer.Option(help="Only for this host, server or address")]
Since = Annotated[str | None, typer.Option(help="Written at or after: 2026-11-25T08:00 (UTC), or 90m, 6h, 2d ago")]
Until = Annotated[str | None, typer.Option(help="Written before; as --since")]

SHOWN = ("id", "batch", "kind", "subject", "receiver", "attempts", "reason", "createdAt")
AGO = re.compile(r"(\d{1,6})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def list_command(
    ids: Ids = None,
    marking: Annotated[DeliveryMarking, typer.Option(help="Which ones")] = DeliveryMarking.DEAD,
    root: Root = None,
    batch: BatchId = None,
    receiver: Receiver = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """The newest first."""
    choice = chosen(ids, batch, receiver, since, until)
    settings = Settings()
    rows: list[dict[str, Any]]
    if settings.url:
        rows = remote.list_webhooks(settings, root, marking, choice, limit)
    else:
        with reading(open_database(settings.effective_database_url)) as connection:
            rows = [row.body() for row in list_webhooks(connection, marking, choice, root=root, limit=limit)]
    if as_json:
        print_json(rows)
    else:
        print_table(f"{len(rows)} {marking.value}", [{name: row[name] for name in SHOWN} for row in rows])


@app.command()
def replay(
    ids: Ids = None,
    root: Root = None,
    batch: BatchId = None,
    receiver: Receiver = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Puts dead webhooks back into the outbox, with the same id and body; the next delivery run sends them."""
    choice = chosen(ids, batch, receiver, since, until)
    settings = Settings()
    if settings.url:
        count = remote.replay_webhooks(settings, root, choice)
    else:
        with writing(open_database(settings.effective_database_url)) as connection:
            count = replay_webhooks(connection, choice, root=root)
    if as_json:
        print_json({"replayed": count})
    else:
        note(f"{count} webhooks are due again")


def chosen(
    ids: list[str] | None, batch: int | None, receiver: str | None, since: str | None, until: str | None
) -> WebhookChoice:
    """Raises InputError naming the option at fault."""
    try:
        return WebhookChoice(
            ids=ids or [],
            batch=batch,
            receiver=receiver,
            since=moment("--since", since) if since else None,
            until=moment("--until", until) if until else None,
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        raise InputError(f"{field}: {first['msg']}", field=field) from error


def moment(option: str, text: str) -> datetime:
    """Without a zone it is UTC. Raises InputError."""
    ago = AGO.fullmatch(text)
    if ago:
        return utc_now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        words = f"{option}: {text!r} is no time; write 2026-11-25, 2026-11-25T08:00, 90m, 6h or 2d"
        raise InputError(words, field=option) from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)
