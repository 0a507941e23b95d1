"""`sais up` and `sais demo`: everything on this machine."""

import os
import sys
from typing import Annotated

import typer


def up() -> None:
    """Starts everything embedded: Prefect server, worker and gateway. Ctrl-C ends all of it."""
    # The stack knows Prefect and this package does not: it takes this process's place instead of being imported.
    os.execv(sys.executable, [sys.executable, "-m", "deployments.embedded"])  # noqa: S606  our own interpreter


def demo(
    exit_when_done: Annotated[
        bool, typer.Option("--exit", help="End when the demo is through instead of staying up")
    ] = False,
) -> None:
    """Starts the stack, an origin of photographs and a client application, and shows a batch go through."""
    from sais.demo import run_demo  # noqa: PLC0415  numpy and Pillow, which no other command needs

    raise typer.Exit(run_demo(exit_when_done=exit_when_done))
