"""The plan: what is stale, what is to be read for it and from where, and how long that takes. It changes nothing."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from sais.catalog.stale import StaleCount, StaleOriginal, count_stale, stale_originals
from sais.pipeline.resources import Resources
from sais.rethumbing.parts import Wanted, check_accounts, chosen
from sais.rethumbing.rates import Estimate, estimate, measured_rates

PAGE = 5_000


@dataclass
class AccountPlan:
    """`local_bytes` are read from this machine's folder of originals, `archive_bytes` come back from the archive."""

    root: str
    thumbs: dict[str, int] = field(default_factory=dict)
    images: int = 0
    local_bytes: int = 0
    archive_images: int = 0
    archive_bytes: int = 0

    def row(self) -> dict[str, Any]:
        return {
            "account": self.root,
            "stale thumbs": sum(self.thumbs.values()),
            "by preset": ", ".join(f"{name} {count}" for name, count in self.thumbs.items()),
            "images": self.images,
            "MB here": round(self.local_bytes / 1e6, 1),
            "MB from the archive": round(self.archive_bytes / 1e6, 1),
        }


class RethumbPlan:
    """No dataclass: Prefect would walk through all of it at every task."""

    def __init__(self, accounts: list[AccountPlan], estimate: Estimate) -> None:
        self.accounts = accounts
        self.estimate = estimate

    @property
    def thumbs(self) -> int:
        return sum(sum(account.thumbs.values()) for account in self.accounts)

    @property
    def images(self) -> int:
        return sum(account.images for account in self.accounts)

    def body(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "stale": self.thumbs,
            "images": self.images,
            "minutes": self.estimate.minutes,
            "minutesAre": self.estimate.bound or "unknown",
            "accounts": [asdict(account) for account in self.accounts],
        }

    def markdown(self) -> str:
        archive = sum(account.archive_bytes for account in self.accounts)
        local = sum(account.local_bytes for account in self.accounts)
        return f"""## Stale thumbs

**{self.thumbs}** thumbs of {self.images} images in {len(self.accounts)} accounts were made by another recipe than their
preset has now.

To be read: {local / 1e6:.1f} MB here, {archive / 1e6:.1f} MB from the archive; nothing from any source.

Minutes: {self.estimate}. Pauses for new work come on top.

`apply` makes them again; what is served meanwhile are the old ones.
"""


async def plan_rethumb(resources: Resources, wanted: Wanted) -> RethumbPlan:
    """Raises UnknownAccount, UnknownPreset. A million images are walked through 5,000 at a time."""
    await check_accounts(resources, wanted)
    presets = chosen(resources, wanted.presets)
    accounts = _accounts(await resources.read(count_stale, presets, wanted.accounts))
    after = ""
    while page := await resources.read(stale_originals, presets, wanted.accounts, after=after, limit=PAGE):
        after = page[-1].code
        await asyncio.to_thread(_look, resources, page, accounts)
    images = sum(account.images for account in accounts.values())
    spent = estimate(images, await resources.read(measured_rates), wanted.rate)
    return RethumbPlan(list(accounts.values()), spent)


def _accounts(counts: Iterable[StaleCount]) -> dict[str, AccountPlan]:
    accounts: dict[str, AccountPlan] = {}
    for count in counts:
        accounts.setdefault(count.root, AccountPlan(count.root)).thumbs[count.preset] = count.thumbs
    return accounts


def _look(resources: Resources, page: Iterable[StaleOriginal], accounts: dict[str, AccountPlan]) -> None:
    for original in page:
        # What became stale since it was counted waits for the next run.
        if account := accounts.get(original.root):
            account.images += 1
            if resources.original(original.path).exists():
                account.local_bytes += original.size
            else:
                account.archive_images += 1
                account.archive_bytes += original.size
