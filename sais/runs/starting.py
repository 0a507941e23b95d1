"""Starting the flow run that works on a batch, by the deployment's name."""

import asyncio
from typing import Any

from sais.errors import PrefectUnavailable
from sais.runs.api import PrefectApi
from sais_models import Batch

DEPLOYMENT = "ingest/ingest"
# A client is waiting: after this long the batch is left to the sweep.
START_SECONDS = 10.0


class Runs:
    """Knows the deployment's id once it has been asked for."""

    def __init__(self, api: PrefectApi) -> None:
        self._api = api
        self._deployment: str | None = None

    async def start(self, batch: Batch) -> str:
        """The id of the flow run, the same however often it is asked. Raises PrefectUnavailable."""
        try:
            async with asyncio.timeout(START_SECONDS):
                return await self._start(batch)
        except TimeoutError:
            raise PrefectUnavailable(f"no run within {START_SECONDS:.0f} s") from None

    def url_of(self, flow_run_id: str | None) -> str | None:
        """Where people see the run."""
        ui = self.ui_url
        return f"{ui}/runs/flow-run/{flow_run_id}" if ui and flow_run_id else None

    @property
    def ui_url(self) -> str | None:
        return self._api.settings.effective_ui_url

    async def _start(self, batch: Batch) -> str:
        run = await self._create(batch, self._deployment or await self._find())
        if run is None:
            # The deployment was made anew since its id was asked for.
            run = await self._create(batch, await self._find())
        try:
            return str(run["id"])
        except (TypeError, KeyError):
            raise PrefectUnavailable(f"Prefect does not start {DEPLOYMENT}") from None

    async def _find(self) -> str:
        answer = await self._api.call("GET", f"/deployments/name/{DEPLOYMENT}")
        if not isinstance(answer, dict) or "id" not in answer:
            raise PrefectUnavailable(f"Prefect has no deployment {DEPLOYMENT}")
        self._deployment = str(answer["id"])
        return self._deployment

    async def _create(self, batch: Batch, deployment: str) -> Any:
        return await self._api.call("POST", f"/deployments/{deployment}/create_flow_run", request_of(batch))


def request_of(batch: Batch) -> dict[str, Any]:
    """The body of create_flow_run. The idempotency key has the batch's birth in it, to the microsecond: ids start
    again with a new database, and Prefect, which may be older, would answer with the run of another batch."""
    return {
        "name": f"ingest-{batch.root}-b{batch.id}",
        "parameters": {"account": batch.root, "batch": batch.id},
        "tags": [f"account:{batch.root}", f"lane:{batch.lane}"],
        "idempotency_key": f"batch-{batch.id}-{batch.created_at:%Y%m%d%H%M%S%f}",
    }
