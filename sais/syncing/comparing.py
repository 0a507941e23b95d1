"""The comparing step: how the rows of a part differ from what the storages have."""

import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from sais.catalog.discrepancies import ARCHIVE, Kind, count_differences, count_expected
from sais.errors import InputError
from sais.pipeline.resources import Resources
from sais.syncing.plan import SyncPart, SyncPlan

# What a storage that is not mounted would make of a catalogue.
MISSING_SHARE = 0.05
# An original or a thumb that cannot be served as the row says.
LOST = (Kind.MISSING, Kind.SIZE, Kind.CHECKSUM)


@dataclass(frozen=True)
class Finding:
    """`count` files of one kind in one part of a storage; `examples` are paths."""

    storage: str
    kind: Kind
    part: str
    count: int
    examples: tuple[str, ...]


class Comparison:
    """The findings of one part."""

    def __init__(self, part: SyncPart, findings: list[Finding], seconds: float) -> None:
        self.part = part
        self.findings = findings
        self.seconds = seconds

    def __str__(self) -> str:
        count = sum(finding.count for finding in self.findings)
        return f"compare {self.part.name}: {count} differences in {self.seconds:.1f} s"


async def compare_part(resources: Resources, part: SyncPart) -> Comparison:
    """After all parts are listed: media may keep a path that is in another part's directory."""
    start = time.perf_counter()
    findings = await resources.read(_compare, part)
    return Comparison(part, findings, time.perf_counter() - start)


def _compare(connection: Connection, part: SyncPart) -> list[Finding]:
    findings = []
    for storage in part.plan.storages:
        for kind in kinds_of(storage):
            count, examples = count_differences(connection, part.scope, storage, kind)
            if count:
                findings.append(Finding(storage, kind, part.name, count, tuple(examples)))
    return findings


def kinds_of(storage: str) -> list[Kind]:
    """Checksums are known of originals only."""
    return [kind for kind in Kind if kind != Kind.CHECKSUM or storage == ARCHIVE]


def sums_of(findings: Iterable[Finding]) -> Counter[str]:
    """By what the command line and the flow return: `archive missing`, `cache orphaned` …"""
    sums: Counter[str] = Counter()
    for finding in findings:
        sums[f"{finding.storage.partition('/')[0]} {finding.kind}"] += finding.count
    return sums


async def check_shares(resources: Resources, plan: SyncPlan, findings: Iterable[Finding], allowed: float) -> None:
    """Raises InputError when more than the share `allowed` of a storage's files is lost."""
    lost: Counter[str] = Counter()
    for finding in findings:
        if finding.kind in LOST:
            lost[finding.storage] += finding.count
    for storage, count in lost.items():
        expected = await resources.read(count_expected, plan.root, storage)
        share = math.ceil(100 * count / max(expected, 1)) / 100  # so that what is named is enough
        if count > allowed * expected:
            raise InputError(
                f"{count} of {expected} files of {plan.root} are lost in {storage} ({share:.0%}), more than "
                f"{allowed:.0%}: is it mounted? Nothing was changed; to mend them all the same, allow a share of "
                f"{share:.2f}",
                field="allow_missing_share",
            )
