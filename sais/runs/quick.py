"""Runs of the quick lane: made pending, so that no worker takes them, for the process that will do the work itself."""

from collections.abc import Iterable, Sequence
from typing import Any

from sais.runs.starting import request_tags
from sais_models import Lane

QUICK_DEPLOYMENT = "quick/quick"
# No worker watches such a run: what Prefect says of its state outlives its process.
UNWATCHED_TAG = "runner:quick"


def lane_for(images: int, *, most: int, asked: Lane | None = None) -> Lane:
    """`quick` for at most `most` images, whatever was asked for: the lane is quick because nothing in it is large."""
    return Lane.BULK if images > most or asked == Lane.BULK else Lane.QUICK


def quick_request(account: str, batches: Sequence[int], key: str, request_ids: Iterable[str] = ()) -> dict[str, Any]:
    """The body of create_flow_run for the batches of one account."""
    ends = [batches[0]] if len(batches) == 1 else [batches[0], batches[-1]]
    return {
        "name": f"quick-{account}-" + "-".join(f"b{batch}" for batch in ends),
        "parameters": {"account": account, "batches": list(batches)},
        "tags": [f"account:{account}", f"lane:{Lane.QUICK}", UNWATCHED_TAG, *request_tags(*request_ids)],
        "idempotency_key": key,
        "state": {"type": "PENDING", "message": "Taken up by the quick runner"},
    }
