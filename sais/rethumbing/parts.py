"""Which presets and accounts are meant, and their stale media cut into parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sais.catalog.accounts import get_account
from sais.catalog.stale import stale_codes
from sais.errors import UnknownPreset
from sais.pipeline.resources import Resources
from sais_models import PresetSettings

# A part is over within this time at the pace that is asked for: it is what is waited for by new work.
PART_SECONDS = 30
# While the originals of one come back from the archive, the thumbs of the other are made.
PARTS_AT_ONCE = 2


class Wanted(NamedTuple):
    """What is to be looked at; empty: all accounts, all presets. `rate` in images a second at most."""

    accounts: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    rate: float | None = None


@dataclass(frozen=True)
class Part:
    """A slice of an account's stale media. `text` is their codes with spaces: a million are 17 MB so, 80 as a list."""

    root: str
    no: int
    text: str

    @property
    def codes(self) -> list[str]:
        return self.text.split()

    @property
    def name(self) -> str:
        return f"{self.root}-c{self.no:02d}"


async def check_accounts(resources: Resources, wanted: Wanted) -> None:
    """Raises UnknownAccount."""
    for root in wanted.accounts:
        await resources.read(get_account, root)


def chosen(resources: Resources, names: Sequence[str]) -> list[PresetSettings]:
    """All presets without `names`. Raises UnknownPreset."""
    unknown = [name for name in names if name not in resources.presets]
    if unknown:
        raise UnknownPreset(
            f"unknown preset {unknown[0]!r}; there are: {', '.join(resources.presets)}", field="presets"
        )
    return [resources.presets[name] for name in names or resources.presets]


async def cut_parts(resources: Resources, root: str, wanted: Wanted) -> list[Part]:
    size = resources.settings.chunk_images
    if wanted.rate is not None:
        size = max(1, min(size, int(wanted.rate * PART_SECONDS)))
    codes = await resources.read(stale_codes, chosen(resources, wanted.presets), root)
    starts = range(0, len(codes), size)
    return [Part(root, number, " ".join(codes[start : start + size])) for number, start in enumerate(starts, start=1)]
