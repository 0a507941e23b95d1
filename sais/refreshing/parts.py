"""Which media are asked about, a slice at a time."""

from datetime import datetime

from sais.catalog.sources import due_codes
from sais.pipeline.resources import Resources


class RefreshPart:
    """The codes of one task. No dataclass: Prefect would walk through them."""

    def __init__(self, root: str, number: int, codes: list[str]) -> None:
        self.root = root
        self.number = number
        self.codes = codes
        self.name = f"{root}-r{number:02d}"


async def next_part(
    resources: Resources, root: str, before: datetime, *, after: RefreshPart | None, limit: int | None = None
) -> RefreshPart | None:
    """None when there is no more, or `limit` is used up. Codes are walked in order, so that it ends."""
    size = resources.settings.chunk_images if limit is None else min(limit, resources.settings.chunk_images)
    if size <= 0:
        return None
    last = after.codes[-1] if after else ""
    codes = await resources.read(due_codes, root, before, after=last, limit=size)
    return RefreshPart(root, after.number + 1 if after else 1, codes) if codes else None
