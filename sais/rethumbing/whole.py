"""All of a run in this process, as the flow does it with a task for each part."""

from collections.abc import Callable

from sais.pipeline.resources import Resources
from sais.pipeline.rethumb import end_rethumb, rethumb_part
from sais.rethumbing.parts import Wanted, cut_parts
from sais.rethumbing.planning import plan_rethumb
from sais.rethumbing.work import Rethumbing


async def rethumb_all(
    resources: Resources,
    wanted: Wanted,
    *,
    notify: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    patience: float | None = None,
) -> Rethumbing:
    """One part after the other. Killed and begun again, it goes on with what is stale still."""
    plan = await plan_rethumb(resources, wanted)
    work = Rethumbing(resources, wanted, plan, notify=notify, tell=tell, patience=patience)
    for account in plan.accounts:
        for part in await cut_parts(resources, account.root, wanted):
            report = await rethumb_part(work, part)
            tell(f"{report}; {work.counts['images']} of {plan.images} images")
    await end_rethumb(work)
    return work
