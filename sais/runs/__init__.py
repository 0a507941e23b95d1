"""Starting flow runs over Prefect's REST API, without importing Prefect (docs/decisions/0006)."""

from sais.runs.api import EMBEDDED_PORT, PrefectApi, PrefectSettings, is_loopback
from sais.runs.deployment import Deployment
from sais.runs.quick import QUICK_DEPLOYMENT, UNWATCHED_TAG, lane_for, quick_request
from sais.runs.starting import DEPLOYMENT, Runs, request_tags

__all__ = [
    "DEPLOYMENT",
    "EMBEDDED_PORT",
    "QUICK_DEPLOYMENT",
    "UNWATCHED_TAG",
    "Deployment",
    "PrefectApi",
    "PrefectSettings",
    "Runs",
    "is_loopback",
    "lane_for",
    "quick_request",
    "request_tags",
]
