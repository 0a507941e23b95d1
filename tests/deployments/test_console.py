"""A line on the console reads as Prefect writes it, in colours where somebody sees them."""

import io
import logging
import os
import subprocess
import sys

import pytest
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_LOGGING_COLORS, PREFECT_LOGGING_MARKUP, temporary_settings

from deployments.console import Console
from deployments.environment import PROJECT, TUNED_WORKER

CLASSES = """
import logging
from prefect import flow
print(*(f"{type(each).__module__}.{type(each).__name__}" for each in logging.getLogger().handlers))
logging.getLogger("prefect").info("Finished in state Completed()")
"""
LINES = ("Finished in state Completed()", "[red] 1 of 3, see http://127.0.0.1:4200/runs", "ä" * 200, "two\nlines", "")
STYLES = {"log.completed_state": "green"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(handler: type[PrefectConsoleHandler], stream: io.StringIO) -> str:
    console = handler(stream, styles=STYLES)
    for line in LINES:
        console.emit(logging.LogRecord("prefect.flow_runs", logging.INFO, __file__, 1, line, None, None))
    return stream.getvalue()


def test_a_line_through_a_pipe_is_the_same_without_rich() -> None:
    assert written(Console, io.StringIO()) == written(PrefectConsoleHandler, io.StringIO()) != ""


def test_a_terminal_has_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TERM": "xterm-256color", "NO_COLOR": "", "COLORTERM": ""}.items():
        monkeypatch.setenv(name, value)
    with temporary_settings({PREFECT_LOGGING_COLORS: True}):
        colourful = written(Console, Terminal())
        assert colourful == written(PrefectConsoleHandler, Terminal())
    assert "\x1b[32m" in colourful


def test_markup_is_rich_s() -> None:
    with temporary_settings({PREFECT_LOGGING_MARKUP: True}):
        assert "[red]" not in written(Console, io.StringIO())


def test_the_processes_of_sais_up_have_it() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | TUNED_WORKER
    done = subprocess.run(
        [sys.executable, "-c", CLASSES], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "deployments.console.Console\n"
    assert done.stderr.endswith(" | prefect - Finished in state Completed()\n")
