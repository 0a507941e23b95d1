"""Prefect's settings and logging, read once for all runs that are told the same (decisions/0034)."""

import os
import re
from pathlib import Path

# `PREFECT__FLOW_RUN_ID` and its like are no settings.
NAMES_OF_SETTINGS = re.compile("PREFECT_(?!_)")
# Where Prefect looks for settings in the folder of a run.
SETTINGS_FILES = (".env", "prefect.toml", "pyproject.toml")


class RunSettings:
    """What Prefect takes from the environment and the folder: 80 ms, so not again for a run that is told the same."""

    def __init__(self) -> None:
        self._told: object = None

    def read(self) -> None:
        """Raises what Prefect raises for values that it does not take."""
        from prefect.context import refresh_global_settings_context  # noqa: PLC0415  preloaded by now
        from prefect.logging.configuration import setup_logging  # noqa: PLC0415

        if self._sources() == self._told:
            return
        self._told = None
        refresh_global_settings_context()
        setup_logging()
        self._told = self._sources()

    @staticmethod
    def _sources() -> object:
        from prefect.settings import get_current_settings  # noqa: PLC0415

        settings = get_current_settings()
        environment = {name: value for name, value in os.environ.items() if NAMES_OF_SETTINGS.match(name)}
        files = (*(Path.cwd() / name for name in SETTINGS_FILES), settings.profiles_path, settings.logging.config_path)
        return environment, {file: changed(str(file)) for file in files if file.exists()}


def changed(file: str) -> float:
    """When; a file that is gone is newer than any."""
    try:
        return Path(file).stat().st_mtime
    except FileNotFoundError:
        return float("inf")
