"""What came of a sync, for people."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sais.catalog.discrepancies import count_expected
from sais.catalog.stored_files import count_listed
from sais.pipeline.resources import Resources
from sais.syncing.comparing import Finding, sums_of
from sais.syncing.plan import SyncPlan


class SyncOutcome:
    """`listed` and `expected` are files by storage; `sums` also has what was mended.

    No dataclass: Prefect would walk through its findings.
    """

    def __init__(
        self,
        root: str,
        findings: list[Finding],
        listed: Mapping[str, tuple[int, int]],
        expected: Mapping[str, int],
    ) -> None:
        self.root = root
        self.findings = findings
        self.listed = listed
        self.expected = expected
        self.sums: Counter[str] = sums_of(findings)
        self.sums["files"] = sum(count for count, _ in listed.values())

    @property
    def finding_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "storage": finding.storage,
                "kind": str(finding.kind),
                "directory": finding.part,
                "files": finding.count,
                "examples": ", ".join(finding.examples),
            }
            for finding in self.findings
        ]

    @property
    def sum_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "storage": storage,
                "rows": self.expected[storage],
                "files": self.listed.get(storage, (0, 0))[0],
                "MB": round(self.listed.get(storage, (0, 0))[1] / 1e6, 1),
                **{
                    str(kind): count
                    for kind, count in sums_of(f for f in self.findings if f.storage == storage).items()
                },
            }
            for storage in self.expected
        ]


async def outcome_of(resources: Resources, plan: SyncPlan, findings: list[Finding]) -> SyncOutcome:
    listed = await resources.read(count_listed, plan.root, plan.number)
    expected = {storage: await resources.read(count_expected, plan.root, storage) for storage in plan.storages}
    return SyncOutcome(plan.root, findings, listed, expected)
