"""What all flows have in common."""

from typing import Any, Final

from prefect.settings import PREFECT_LOCAL_STORAGE_PATH

# What became of a run is in SAIS' own tables: Prefect keeps no result. Were it not told where that would be, each run
# would ask the server three times, and stand still for two of these.
PLAIN: Final[dict[str, Any]] = {"persist_result": False, "result_storage": PREFECT_LOCAL_STORAGE_PATH.value()}
