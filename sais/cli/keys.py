"""`sais rotate-key`."""

from typing import Annotated

import typer

from sais.accounts import rotate_key, rotate_webhook_secret
from sais.catalog.accounts import get_account
from sais.catalog.database import open_database, writing
from sais.cli.output import AsJson, note, print_json
from sais.settings import Settings


def rotate(
    root: Annotated[str, typer.Argument(help="The account's root")],
    webhook_secret: Annotated[
        bool, typer.Option("--webhook-secret", help="The webhook secret; the former one signs too for a day")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Gives an account a new key, and ends the former one at once. Whoever may write the database needs no key for it.

    So it is also the way back for an account whose key is lost.
    """
    with writing(open_database(Settings().effective_database_url)) as connection:
        account = get_account(connection, root)
        info = rotate_webhook_secret(connection, account) if webhook_secret else rotate_key(connection, account)
    if as_json:
        print_json(info.body())
        return
    typer.echo(f"webhook secret  {info.webhook_secret}" if webhook_secret else f"key             {info.api_key}")
    note("Keep it: it is not shown again.")
