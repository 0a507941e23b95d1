"""The demo from its start to its verdict. A client application: everything it knows, the gateway told it."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack

from pydantic import ValidationError
from rich.console import Console

from sais.client import SaisClient
from sais.demo import report, trial
from sais.demo.account import open_account
from sais.demo.loopback import LOOPBACK
from sais.demo.origin import Origin
from sais.demo.photographs import make_photographs
from sais.demo.receiver import Receiver
from sais.demo.signals import interrupted_by_signals
from sais.demo.stack import EMBEDDED, Stack, gateway_port, stack_environment
from sais.errors import SaisError, SettingsError
from sais.settings import Settings


class Stopwatch:
    """Seconds from its making to the first time that each name was noted."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self.seconds: dict[str, float] = {}

    def note(self, name: str) -> None:
        self.seconds.setdefault(name, time.monotonic() - self._start)


def run_demo(
    *,
    exit_when_done: bool,
    settings: Settings | None = None,
    console: Console | None = None,
    command: Sequence[str] = EMBEDDED,
    webhook_seconds: float = 60,
) -> int:
    """0 when every photograph became what it should and each webhook came with a valid signature, else 1.

    Stays up until Ctrl-C unless `exit_when_done` or SAIS_DEMO_EXIT=1. `command` starts the stack;
    `webhook_seconds` is the time for the last webhooks, once the batch has settled.
    """
    console = console or report.demo_console()
    stays = not (exit_when_done or os.environ.get("SAIS_DEMO_EXIT", "0") not in {"", "0"})
    try:
        with interrupted_by_signals():
            return demonstrate(settings or Settings(), console, command, stays, webhook_seconds)
    except (SaisError, ValidationError) as error:
        console.print(f"✗ {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    except KeyboardInterrupt:
        console.print("Stopped before the end.")
    return 1


def demonstrate(
    settings: Settings, console: Console, command: Sequence[str], stays: bool, webhook_seconds: float
) -> int:
    port, origins_port = gateway_port(settings), origin_port()
    url = f"http://{LOOPBACK}:{port}"
    watch = Stopwatch()
    with ExitStack() as opened:
        environment = stack_environment(settings, port, os.environ)
        stack = opened.enter_context(Stack(settings.home / "demo-stack.log", environment, command))
        console.print(f"Starting the stack; its output: {stack.log}", highlight=False, soft_wrap=True)
        photographs = make_photographs()
        origin = opened.enter_context(Origin(photographs, origins_port))
        stack.wait_until_ready(url)
        watch.note("the stack answers")

        account = open_account(url, settings.home, settings.registration_token)
        receiver = opened.enter_context(Receiver(account.webhook_secret))
        client = opened.enter_context(SaisClient(url, account.root, account.api_key, trust_env=False))
        sent = trial.send(client, origin, photographs, receiver)
        console.print(f"Batch {sent.batch} of account {account.root}: {len(sent.rows)} photographs")
        sums = trial.follow(client, sent.batch, console, lambda: watch.note("first thumbnail"))
        receiver.wait_for(trial.accepted_codes(sent), webhook_seconds)
        watch.note("end")

        outcomes = trial.collect(client, photographs, sent, receiver)
        console.print(report.outcome_table(outcomes))
        report.print_seconds(console, watch.seconds)
        report.print_addresses(console, report.addresses(url, sent.batch, sums))
        passed = report.print_verdict(console, outcomes) and sums["settled"]
        if stays:
            stay(stack, console)
        return 0 if passed else 1


def origin_port() -> int:
    """0, which takes a free port, unless SAIS_DEMO_ORIGIN_PORT names one; SettingsError when it is no number."""
    port = os.environ.get("SAIS_DEMO_ORIGIN_PORT") or "0"
    if not port.isdecimal():
        raise SettingsError(f"SAIS_DEMO_ORIGIN_PORT: {port!r} is not a port", field="SAIS_DEMO_ORIGIN_PORT")
    return int(port)


def stay(stack: Stack, console: Console) -> None:
    try:
        console.print("Ctrl-C ends it.")
        stack.wait()
    except KeyboardInterrupt:
        console.print("Ending the stack.")
