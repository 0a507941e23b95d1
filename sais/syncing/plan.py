"""What a sync lists: the directories of an account in each of its storages, in 64 parts."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select
from sqlmodel import col

from sais.addressing import GROUPS, codes_of, directories_of
from sais.catalog.accounts import get_account, list_accounts
from sais.catalog.discrepancies import ARCHIVE, CACHE, Scope
from sais.catalog.presets import current_presets
from sais.catalog.stored_files import expect_directories
from sais.pipeline.resources import Resources
from sais.storage import Storage
from sais_models import Media, Thumb
from sais_models.columns import utc_now

QUARANTINE = ".quarantine"
# A file is written before its row, and an upload may take its time.
ORPHAN_AGE = timedelta(hours=1)


class SyncPlan:
    """`number` marks what this sync has seen; `storages` are `archive` and a `cache/PRESET` for each preset.

    No dataclass: Prefect would walk through it at every task.
    """

    def __init__(
        self, root: str, started: datetime, settled: datetime, storages: list[str], groups: list[list[str]]
    ) -> None:
        self.root = root
        self.started = started
        self.settled = settled
        self.number = int(started.timestamp() * 1000)
        self.storages = storages
        self.parts = [SyncPart(self, number, directories) for number, directories in enumerate(groups)]

    @property
    def whole(self) -> Scope:
        """All of the account at once."""
        directories = tuple(directory for part in self.parts for directory in part.directories)
        return Scope(self.root, self.number, self.started, self.settled, "", "g", directories)


class SyncPart:
    """The directories of one task, and the 64th of the account's codes that the layout puts there."""

    def __init__(self, plan: SyncPlan, number: int, directories: list[str]) -> None:
        self.plan = plan
        self.directories = directories
        low, high = codes_of(number)
        self.scope = Scope(plan.root, plan.number, plan.started, plan.settled, low, high, tuple(directories))
        self.name = directories[0].replace("/", "-")


async def plan_sync(resources: Resources, root: str, *, orphan_age: timedelta = ORPHAN_AGE) -> SyncPlan:
    """The directories of the account's layout and any others that the storages have: media keep the path they came
    with. Raises UnknownAccount."""
    layout = (await resources.read(get_account, root)).layout
    started = utc_now()
    presets = {*await resources.read(_presets_of, root), *await resources.cache.folders()} - {QUARANTINE}
    storages = [ARCHIVE, *(CACHE + preset for preset in sorted(presets))]
    groups = [[f"{root}/{name}" for name in names] for names in directories_of(layout)]
    known = {directory for group in groups for directory in group}
    for number, directory in enumerate(sorted(await _present(resources, root, storages) - known)):
        groups[number % GROUPS].append(directory)
    groups[0].append(root)  # files that lie in none of them
    plan = SyncPlan(root, started, started - orphan_age, storages, groups)
    await resources.write(expect_directories, root, storages, list(plan.whole.directories), plan.number)
    return plan


def all_roots(connection: Connection) -> list[str]:
    return [account.root for account in list_accounts(connection)]


def place_of(resources: Resources, storage: str) -> tuple[Storage, str]:
    """A storage by its name in the rows, and what goes before a path in it."""
    if storage == ARCHIVE:
        return resources.archive, ""
    return resources.cache, storage.removeprefix(CACHE) + "/"


async def _present(resources: Resources, root: str, storages: list[str]) -> set[str]:
    found = set()
    for name in storages:
        storage, before = place_of(resources, name)
        found |= {f"{root}/{folder}" for folder in await storage.folders(before + root)}
    return found


def _presets_of(connection: Connection, root: str) -> set[str]:
    """Those that there are, and those of which the account has thumbs still."""
    statement = select(col(Thumb.preset)).distinct()
    mine = statement.join(Media, col(Media.code) == col(Thumb.code)).where(col(Media.root) == root)
    return {*current_presets(connection), *(row[0] for row in connection.execute(mine))}
