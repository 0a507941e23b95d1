"""Starting flow runs over Prefect's REST API, without importing Prefect (docs/decisions/0006)."""

from sais.runs.api import EMBEDDED_PORT, PrefectApi, PrefectSettings, is_loopback
from sais.runs.starting import DEPLOYMENT, Runs

__all__ = ["DEPLOYMENT", "EMBEDDED_PORT", "PrefectApi", "PrefectSettings", "Runs", "is_loopback"]
