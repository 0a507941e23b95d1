"""Prefect's lines on the console, without rich where nobody sees colours (docs/decisions/0039)."""

import logging
from typing import Any

from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_LOGGING_MARKUP


class Console(PrefectConsoleHandler):
    """A run's lines go to its worker through a pipe: rich takes 0.8 ms for each, to leave it as it was."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plain = not (self.console.is_terminal or PREFECT_LOGGING_MARKUP.value())

    def emit(self, record: logging.LogRecord) -> None:
        if self._plain:
            logging.StreamHandler.emit(self, record)
        else:
            super().emit(record)
