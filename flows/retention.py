"""What has served its time goes: old webhooks, old batches, and what Prefect keeps of old runs."""

from prefect import flow
from prefect.runtime import flow_run

from blocks.configuration import load_configuration
from flows.policy import PLAIN
from flows.winding_down import open_until_told
from sais.retention import cutoff
from sais_models.columns import utc_now
from tasks.retention import old_artifacts, old_rows, old_runs, show_retention


@flow(name="retention", flow_run_name="retention", **PLAIN)
async def retention(dry_run: bool = False) -> dict[str, int]:
    """Deletes what is older than SAIS_KEEP_DELIVERIES_DAYS, SAIS_KEEP_BATCHES_DAYS and SAIS_KEEP_RUNS_DAYS say.

    Media, thumbs and files stay, and so do webhooks that wait or are dead, open batches, and runs that have not ended.

    Args:
        dry_run: Count, and delete nothing.
    """
    configuration = await load_configuration()
    async with open_until_told(configuration, str(flow_run.id)) as resources:
        rows = await old_rows(resources, dry_run=dry_run)
        before = cutoff(resources.settings.keep_runs_days, utc_now())
        tally = {
            "deliveries": rows.deliveries,
            "batches": rows.batches,
            "items": rows.items,
            "artifacts": await old_artifacts(before, dry_run=dry_run),
            "runs": await old_runs(before, dry_run=dry_run),
        }
        await show_retention(tally, dry_run=dry_run)
        return tally
