"""Local originals make room when the archive has them."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from blocks.configuration import load_configuration
from flows.policy import PLAIN
from flows.winding_down import open_until_told
from sais.evicting.evicting import Evicted, evict_pages, rule_of
from tasks.evict import evict, plan_evict, show_evicted


@flow(name="evict-originals", flow_run_name="evict-originals", **PLAIN)
async def evict_originals(
    older_than_days: Annotated[float, Field(ge=0)] | None = None,
    keep_gb: Annotated[float, Field(ge=0)] | None = None,
    dry_run: bool = False,
) -> dict[str, int]:
    """Deletes local originals whose thumbs are made and which the archive has whole, by age or to make room.

    Nothing that a run holds or a batch waits for is touched. A new preset brings originals back from the archive.

    Args:
        older_than_days: Days since the last use; default: SAIS_ORIGINALS_DAYS.
        keep_gb: The longest unused go until so much is left; default: SAIS_ORIGINALS_MAX_BYTES.
        dry_run: Only count what is to go.
    """
    configuration = await load_configuration()
    evicted = Evicted()
    async with open_until_told(configuration, str(flow_run.id)) as resources:
        cut = await plan_evict(rule_of(resources.settings, days=older_than_days, keep_gb=keep_gb), resources)
        if not dry_run:
            async for page in evict_pages(resources, cut):
                evicted.add(await evict(page, resources))
        if cut.files:
            await show_evicted(cut, evicted)
        return {"to go": cut.files, "freed bytes": evicted.size, **evicted.counts}
