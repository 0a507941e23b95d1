"""`sais register`."""

from typing import Annotated, Any

import typer

from sais.accounts import set_up_account
from sais.catalog.database import open_database, writing
from sais.cli import remote
from sais.cli.output import AsJson, note, print_json
from sais.fetching import Guard
from sais.quotas import Limits
from sais.settings import Settings
from sais_models.wire import AccountSetup


def register(
    root: Annotated[str, typer.Argument(help="3 to 50 of a-z 0-9 _ -, the first element of every path")],
    approx: Annotated[int, typer.Argument(help="How many images are expected, within an order of magnitude", min=0)],
    media_callback: Annotated[str | None, typer.Option(help="Called when a media settles")] = None,
    thumb_callback: Annotated[str | None, typer.Option(help="Called for each thumb")] = None,
    key: Annotated[str | None, typer.Option(envvar="SAIS_API_KEY", help="The account's key, to change it")] = None,
    as_json: AsJson = False,
) -> None:
    """Makes an account and prints its key and webhook secret, which are never shown again."""
    settings = Settings()
    setup = AccountSetup(root=root, approx=approx, media_callback_url=media_callback, thumb_callback_url=thumb_callback)
    info = (remote.register if settings.url else _register_here)(settings, setup, key)
    if as_json:
        print_json(info)
        return
    note(f"account {info['root']} in {info['binCount']} directories")
    if info["apiKey"]:
        typer.echo(f"key             {info['apiKey']}")
        typer.echo(f"webhook secret  {info['webhookSecret']}")
        note("Keep both: they are not shown again.")


def _register_here(settings: Settings, setup: AccountSetup, key: str | None) -> dict[str, Any]:
    with writing(open_database(settings.effective_database_url)) as connection:
        limits = Limits.for_new_accounts(settings)
        return set_up_account(connection, setup, guard=Guard(settings.allow_hosts), key=key, limits=limits).body()
