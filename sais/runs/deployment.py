"""A deployment at Prefect, known by its name: what runs are made from."""

from typing import Any

from sais.errors import PrefectUnavailable
from sais.runs.api import PrefectApi


class Deployment:
    """Knows its id once it has been asked for."""

    def __init__(self, api: PrefectApi, name: str) -> None:
        self._api = api
        self.name = name
        self._id: str | None = None

    async def create_run(self, body: dict[str, Any]) -> dict[str, Any]:
        """The flow run as Prefect tells it. Raises PrefectUnavailable."""
        run = await self._create(self._id or await self._find(), body)
        if run is None:
            # The deployment was made anew since its id was asked for.
            run = await self._create(await self._find(), body)
        if not isinstance(run, dict) or "id" not in run:
            raise PrefectUnavailable(f"Prefect does not start {self.name}")
        return run

    async def _find(self) -> str:
        answer = await self._api.call("GET", f"/deployments/name/{self.name}")
        if not isinstance(answer, dict) or "id" not in answer:
            raise PrefectUnavailable(f"Prefect has no deployment {self.name}")
        self._id = str(answer["id"])
        return self._id

    async def _create(self, deployment: str, body: dict[str, Any]) -> Any:
        return await self._api.call("POST", f"/deployments/{deployment}/create_flow_run", body)
