"""Sources are asked again whether their images have changed."""

from collections import Counter
from datetime import timedelta
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from blocks.configuration import load_configuration
from flows.ingest import Account
from flows.policy import PLAIN
from flows.winding_down import open_until_told
from sais.refreshing.parts import next_part
from sais.syncing.plan import all_roots
from sais_models.columns import utc_now
from tasks.refresh import plan_refresh, refresh, show_refreshed


@flow(name="refresh-sources", flow_run_name="refresh-sources", **PLAIN)
async def refresh_sources(
    accounts: list[Account] | None = None,
    older_than_days: Annotated[float, Field(ge=0)] = 30,
    limit: Annotated[int, Field(ge=1)] | None = None,
    dry_run: bool = False,
) -> dict[str, dict[str, int]]:
    """Asks each source again, conditionally, and takes in only what has changed: archive, thumbs, webhook.

    Old thumbs are served until the new ones are whole. A source that is gone is noted, and its original kept.

    Args:
        accounts: Roots of accounts; default: all.
        older_than_days: Days since the source was last asked.
        limit: Most images of an account in this run; default: all that are due.
        dry_run: Only count what is due.
    """
    configuration = await load_configuration()
    before = utc_now() - timedelta(days=older_than_days)
    sums: dict[str, Counter[str]] = {}
    async with open_until_told(configuration, str(flow_run.id)) as resources:
        for root in accounts if accounts else await resources.read(all_roots):
            sums[root] = Counter(due=await plan_refresh(root, before, resources))
            left = 0 if dry_run else limit
            part = await next_part(resources, root, before, after=None, limit=left)
            while part is not None:
                sums[root].update((await refresh(part, resources)).counts)
                left = None if left is None else left - len(part.codes)
                part = await next_part(resources, root, before, after=part, limit=left)
        await show_refreshed(sums)
        return {root: dict(counts) for root, counts in sums.items()}
