"""Starting the flow run that works on a batch, by the deployment's name."""

import asyncio
from contextlib import suppress
from typing import Any

from sais.errors import PrefectBusy, PrefectUnavailable
from sais.runs.api import PrefectApi
from sais.runs.deployment import Deployment
from sais_models import Batch

DEPLOYMENT = "ingest/ingest"
# A client is waiting: after this long the batch is left to the sweep.
START_SECONDS = 10.0


class Runs:
    """Runs of `ingest` by a worker."""

    def __init__(self, api: PrefectApi) -> None:
        self._api = api
        self._deployment = Deployment(api, DEPLOYMENT)

    async def start(self, batch: Batch) -> str:
        """The id of the flow run, the same however often it is asked. Raises PrefectUnavailable.

        A Prefect that answers that it is busy is asked until START_SECONDS are over; one that is not there, only as
        often as any call.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    with suppress(PrefectBusy):
                        return str((await self._deployment.create_run(request_of(batch)))["id"])
        except TimeoutError:
            raise PrefectUnavailable(f"no run within {START_SECONDS:.0f} s") from None

    def url_of(self, flow_run_id: str | None) -> str | None:
        """Where people see the run."""
        ui = self.ui_url
        return f"{ui}/runs/flow-run/{flow_run_id}" if ui and flow_run_id else None

    @property
    def ui_url(self) -> str | None:
        return self._api.settings.effective_ui_url


def request_tags(*request_ids: str | None) -> list[str]:
    """So that a run is found by the id of the HTTP request which asked for it."""
    return [f"request:{request_id}" for request_id in dict.fromkeys(request_ids) if request_id]


def request_of(batch: Batch) -> dict[str, Any]:
    """The body of create_flow_run. The idempotency key has the batch's birth in it, to the microsecond: ids start
    again with a new database, and Prefect, which may be older, would answer with the run of another batch."""
    return {
        "name": f"ingest-{batch.root}-b{batch.id}",
        "parameters": {"account": batch.root, "batch": batch.id},
        "tags": [f"account:{batch.root}", f"lane:{batch.lane}", *request_tags(batch.request_id)],
        "idempotency_key": f"batch-{batch.id}-{batch.created_at:%Y%m%d%H%M%S%f}",
    }
