"""`sais limits`."""

from dataclasses import replace
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from sais.catalog.accounts import get_account, list_accounts
from sais.catalog.database import open_database, writing
from sais.cli.output import AsJson, print_json, print_table
from sais.errors import InputError
from sais.quotas import Limits, set_limits, usage_of
from sais.settings import Settings

NONE = "none"


def limits(
    root: Annotated[str, typer.Argument(help="The account's root")],
    images: Annotated[str | None, typer.Option(help="Most images in all; `none`: no limit")] = None,
    bytes_per_day: Annotated[str | None, typer.Option(help="Most bytes downloaded a day (UTC), or `none`")] = None,
    queued: Annotated[str | None, typer.Option(help="Most images that wait, or `none`")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows the limits of an account and what it uses of them; with options, sets those first."""
    given = {"images": images, "bytes_per_day": bytes_per_day, "queued": queued}
    changes = {name: number_of(name, value) for name, value in given.items() if value is not None}
    with writing(open_database(Settings().effective_database_url)) as connection:
        if changes:
            set_limits(connection, root, replace(Limits.of(get_account(connection, root)), **changes))
        row = limits_row(connection, root)
    if as_json:
        print_json(row)
    else:
        print_table("Limits", [in_words(row)])


def number_of(name: str, value: str) -> int | None:
    """Raises InputError for what is neither a number nor `none`."""
    if value == NONE:
        return None
    try:
        return int(value)
    except ValueError:
        option = "--" + name.replace("_", "-")
        raise InputError(f"{option}: {value[:40]!r} is neither a number nor `{NONE}`", field=name) from None


def limits_row(connection: Connection, root: str) -> dict[str, Any]:
    account = get_account(connection, root)
    return {
        "account": account.root,
        "limits": Limits.of(account).wire().body(),
        "usage": usage_of(connection, account.root).body(),
    }


def limited_accounts(connection: Connection, root: str | None) -> list[dict[str, Any]]:
    """Of `root`, or of all accounts, those that have a limit."""
    accounts = [get_account(connection, root)] if root else list_accounts(connection)
    return [limits_row(connection, account.root) for account in accounts if Limits.of(account) != Limits()]


def in_words(row: dict[str, Any]) -> dict[str, str]:
    """`12 of 500` in a column for each limit."""
    most, now = row["limits"], row["usage"]
    return {
        "account": row["account"],
        "images": f"{now['images']} of {_most(most['images'])}",
        "bytes today": f"{now['bytesToday']} of {_most(most['bytesPerDay'])}",
        "queued": f"{now['queued']} of {_most(most['queued'])}",
    }


def _most(limit: int | None) -> str:
    return "any number" if limit is None else str(limit)
