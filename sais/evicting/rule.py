"""Which local originals are to go: by age, and by how much disk they may take. Pure: times and sizes in and out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

BUCKET_SECONDS = 600


@dataclass(frozen=True)
class LocalFile:
    """`path` below the originals' folder; `accessed` in seconds since 1970, `size` in bytes."""

    path: str
    size: int
    accessed: float


@dataclass(frozen=True)
class Rule:
    """Last used longer than `seconds` ago, or, the longest unused first, whatever is over `max_bytes` in sum."""

    seconds: float
    max_bytes: int | None = None


@dataclass(frozen=True)
class Cut:
    """Everything last used before `before` is to go: `files` of `size` bytes out of `all_files` of `all_size`."""

    before: float
    files: int
    size: int
    all_files: int
    all_size: int


def cut_of(files: Iterable[LocalFile], rule: Rule, *, now: float) -> Cut:
    """One pass. For the limit, ages are kept in steps of ten minutes only, and a step goes as a whole."""
    before = now - rule.seconds
    sizes: Counter[int] = Counter()
    counts: Counter[int] = Counter()
    going = gone = 0
    for file in files:
        if file.accessed < before:
            going += 1
            gone += file.size
        else:
            step = int(file.accessed // BUCKET_SECONDS)
            sizes[step] += file.size
            counts[step] += 1
    left, stay = sizes.total(), counts.total()
    total = Cut(before, going, gone, going + stay, gone + left)
    for step in sorted(sizes):
        if rule.max_bytes is None or left <= rule.max_bytes:
            break
        before = float((step + 1) * BUCKET_SECONDS)
        left -= sizes[step]
        stay -= counts[step]
    return replace(total, before=before, files=total.all_files - stay, size=total.all_size - left)
