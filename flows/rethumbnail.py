"""A changed preset reaches the thumbs that are there already."""

from enum import StrEnum
from typing import Annotated

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from pydantic import Field

from blocks.configuration import load_configuration
from flows.ingest import Account
from flows.policy import PLAIN
from flows.winding_down import open_until_told
from flows.window import in_window
from sais.rethumbing.parts import PARTS_AT_ONCE, Part, Wanted, cut_parts
from sais.rethumbing.work import Rethumbing
from tasks.rethumb import finish_rethumb, plan_stale, rethumb
from tasks.rethumb_artifacts import AccountProgress


class Mode(StrEnum):
    """`plan` only counts; `apply` makes the stale thumbs again."""

    PLAN = "plan"
    APPLY = "apply"


@flow(name="rethumbnail", flow_run_name="rethumbnail-{mode}", **PLAIN)
async def rethumbnail(
    mode: Mode = Mode.PLAN,
    accounts: list[Account] | None = None,
    presets: list[str] | None = None,
    images_per_second: Annotated[float, Field(ge=0.1)] | None = 25,
    notify: bool = False,
) -> dict[str, int]:
    """Makes thumbs again whose preset has changed, from the local originals or the archive, never from the source.

    Old files are served until the new ones are whole. New batches go first. Killed and run again, it goes on.

    Args:
        mode: plan only counts what is stale; apply makes it again.
        accounts: Roots of accounts; default: all.
        presets: Names of presets; default: all.
        images_per_second: At most so many; null: as fast as it goes.
        notify: Tell each account's thumb callback of each thumb that was made again.
    """
    wanted = Wanted(tuple(accounts or ()), tuple(presets or ()), images_per_second)
    configuration = await load_configuration()
    async with open_until_told(configuration, str(flow_run.id)) as resources:
        plan = await plan_stale(wanted, resources)
        if mode == Mode.PLAN:
            return {"stale": plan.thumbs, "images": plan.images}
        work = Rethumbing(resources, wanted, plan, notify=notify, tell=get_run_logger().info)
        troubles: list[Exception] = []
        for account in plan.accounts:
            parts = await cut_parts(resources, account.root, wanted)
            progress = await AccountProgress.of(account.root, len(parts))

            async def remake(part: Part, progress: AccountProgress = progress) -> None:
                await rethumb(part, work)
                await progress.step()

            troubles += await in_window(remake, parts, size=PARTS_AT_ONCE)
        sums = await finish_rethumb(work)
        if troubles:
            raise troubles[0]
        return sums
