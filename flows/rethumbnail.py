"""A changed preset reaches the thumbs that are there already."""

from enum import StrEnum

from prefect import flow
from prefect.runtime import flow_run

from blocks.configuration import load_configuration
from sais.pipeline.resources import open_resources
from sais.pipeline.rethumb import next_part
from tasks.rethumb import plan_stale, rethumb


class Mode(StrEnum):
    """`plan` only counts; `apply` makes the stale thumbs again."""

    PLAN = "plan"
    APPLY = "apply"


@flow(name="rethumbnail", flow_run_name="rethumbnail-{mode}")
async def rethumbnail(
    mode: Mode = Mode.PLAN, accounts: list[str] | None = None, presets: list[str] | None = None
) -> dict[str, int]:
    """Makes thumbs again whose preset has changed, from the local originals or the archive, never from the source.

    Old files are served until the new ones are whole. Killed and run again, it goes on with what is still stale.

    Args:
        mode: plan only counts what is stale; apply makes it again.
        accounts: Roots of accounts; default: all.
        presets: Names of presets; default: all.
    """
    configuration = await load_configuration()
    async with open_resources(configuration, run=str(flow_run.id)) as resources:
        stale = await plan_stale(resources, accounts or [], presets or [])
        tally = {"stale": sum(count.thumbs for count in stale), "media": 0, "failed": 0}
        if mode == Mode.PLAN:
            return tally
        for root in sorted({count.root for count in stale}):
            part = await next_part(resources, root, presets or [], after=None)
            while part is not None:
                report = await rethumb(part, resources, presets or [])
                tally["media"] += report.done
                tally["failed"] += len(report.failures)
                part = await next_part(resources, root, presets or [], after=part)
        return tally
