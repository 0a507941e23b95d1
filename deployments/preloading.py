"""What every run needs, imported and completed once in the run starter's process (docs/decisions/0034)."""

import gc
import importlib
import pkgutil
from contextlib import suppress

from pydantic import BaseModel

from deployments.flow_run import collect_less

# What flows do not import themselves, but every run does.
PRELOADED = (
    "PIL.PpmImagePlugin",
    "anyio._backends._asyncio",
    "encodings.idna",
    "prefect._internal.metrics",
    "prefect._internal.observers",
    "prefect.concurrency.services",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.utilities.visualization",
    "rich._emoji_codes",
    "runpy",
    "sqlite3",
    "uvloop",
)


def preload() -> None:
    for name in PRELOADED:
        with suppress(ImportError):  # another version of a package may not have it: a run imports what it needs
            importlib.import_module(name)
    flows = importlib.import_module("flows")
    for module in pkgutil.iter_modules(flows.__path__, "flows."):
        importlib.import_module(module.name)
    with suppress(OSError):  # the run will say it
        importlib.import_module("sais.fetching.client").ssl_context()
    complete_models(BaseModel)
    collect_less()
    gc.collect()
    # No collection in a run walks through what is imported, and so no page of it is copied for that.
    gc.freeze()


def complete_models(base: type[BaseModel]) -> None:
    """Prefect leaves its models incomplete until each is first used: in every run, 21 of them."""
    for model in base.__subclasses__():
        model.model_rebuild(raise_errors=False)
        complete_models(model)
