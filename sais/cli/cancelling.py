"""`sais cancel`."""

from typing import Annotated

import typer

from sais.cancelling import cancel_batch
from sais.catalog.database import open_database, writing
from sais.cli import remote
from sais.cli.output import AsJson, print_json
from sais.settings import Settings


def cancel(
    batch: Annotated[int, typer.Argument(min=1, max=2**31 - 1, help="The batch's id")], as_json: AsJson = False
) -> None:
    """Cancels what is pending in a batch; what is done stays."""
    settings = Settings()
    if settings.url:
        with remote.open_client(settings) as client:
            sums = client.cancel(batch)
    else:
        with writing(open_database(settings.effective_database_url)) as connection:
            sums = cancel_batch(connection, batch).body()
    if as_json:
        print_json(sums)
    else:
        typer.echo(
            f"batch {batch} is {sums['marking']}: {sums['done']} done, {sums['failed']} failed, "
            f"{sums['cancelled']} cancelled"
        )
