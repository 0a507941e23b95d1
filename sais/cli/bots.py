"""`sais bots list|add|remove`."""

from typing import Annotated

import typer

from sais.bots import BotScope, add_bot, list_bots, remove_bot
from sais.catalog.database import open_database, reading, writing
from sais.cli.output import AsJson, note, print_json, print_table
from sais.settings import Settings

app = typer.Typer(help="Bad bots: paths, agents and networks that the gateway answers with 403.", no_args_is_help=True)
Scope = Annotated[BotScope, typer.Argument(help="What the pattern is compared with")]
Pattern = Annotated[str, typer.Argument(help="/path* (from / or *), a part of the User-Agent, or 203.0.113.0/24")]


@app.command("list")
def list_rules(
    scope: Annotated[BotScope | None, typer.Option(help="Only these")] = None, as_json: AsJson = False
) -> None:
    """Every rule there is."""
    with reading(open_database(Settings().effective_database_url)) as connection:
        found = [rule for rule in list_bots(connection) if scope in (None, rule.scope)]
    rows = [
        {
            "scope": rule.scope.value,
            "pattern": rule.pattern,
            "note": rule.note,
            "created": rule.created_at.isoformat(timespec="seconds"),
        }
        for rule in found
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(f"{len(rows)} rules", rows)


@app.command("add")
def add_rule(
    scope: Scope, pattern: Pattern, why: Annotated[str, typer.Option("--note", help="Why, for whoever reads it")] = ""
) -> None:
    """Adds a rule; gateways follow within seconds."""
    with writing(open_database(Settings().effective_database_url)) as connection:
        rule = add_bot(connection, scope, pattern, why)
    note(f"{rule.scope} {rule.pattern} is a bad bot's")


@app.command("remove")
def remove_rule(scope: Scope, pattern: Pattern) -> None:
    """Takes a rule away."""
    with writing(open_database(Settings().effective_database_url)) as connection:
        remove_bot(connection, scope, pattern)
    note(f"{scope} {pattern} is nobody's any more")
