"""What the parts of one run share, and what has come of them."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sais.pipeline.report import Failure
from sais.pipeline.resources import Resources
from sais.rethumbing.giving_way import PATIENCE_SECONDS, GivingWay
from sais.rethumbing.pace import Pace
from sais.rethumbing.parts import Wanted, chosen
from sais.rethumbing.planning import RethumbPlan
from sais.rethumbing.rates import Measured
from sais.rethumbing.samples import Samples
from sais.rethumbing.telling import open_telling


class Rethumbing:
    """`failures` (with the account) by code, `samples` by account.

    No dataclass: Prefect would walk through all of it at every task.
    """

    def __init__(
        self,
        resources: Resources,
        wanted: Wanted,
        plan: RethumbPlan,
        *,
        notify: bool = False,
        tell: Callable[[str], None] = lambda _: None,
        patience: float | None = None,
    ) -> None:
        self.resources, self.wanted, self.plan, self.notify = resources, wanted, plan, notify
        self.presets = chosen(resources, wanted.presets)
        self.pace = Pace(wanted.rate)
        self.giving_way = GivingWay(resources, patience=PATIENCE_SECONDS if patience is None else patience, tell=tell)
        # Twice as many images as workers are under way, whatever the number of parts.
        self.gate = asyncio.Semaphore(2 * resources.worker_count)
        self.counts: Counter[str] = Counter()
        self.failures: dict[str, tuple[str, Failure]] = {}
        self.samples = {account.root: Samples(resources.cache) for account in plan.accounts}
        self._batches: dict[str, int | None] = {}
        self._telling = asyncio.Lock()
        self._at_work = 0
        self._since = 0.0
        self._seconds = 0.0

    @property
    def sums(self) -> dict[str, int]:
        """`stale` thumbs at the beginning; `images` and `thumbs` made again, images that `failed`, images `left` to a
        batch or run that has them, and `webhooks` written."""
        made = {name: self.counts[name] for name in ("images", "thumbs")}
        rest = {name: self.counts[name] for name in ("left", "webhooks")}
        return {"stale": self.plan.thumbs, **made, "failed": len(self.failures), **rest}

    @property
    def measured(self) -> Measured:
        return Measured(self.counts["images"], self._seconds, self.wanted.rate)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Counts the seconds in which at least one part was worked on."""
        self._since = self._since if self._at_work else time.monotonic()
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._seconds += time.monotonic() - self._since

    async def batch_of(self, root: str) -> int | None:
        """The batch whose webhooks tell of the account's thumbs; None when nobody is to be told."""
        if not self.notify:
            return None
        async with self._telling:
            if root not in self._batches:
                names = [preset.name for preset in self.presets]
                self._batches[root] = await self.resources.write(open_telling, root, names)
        return self._batches[root]
