"""What an import did: sums for each kind, bad lines with their numbers, keys that were left aside."""

from collections import Counter
from typing import Any

from sais.transfer.kinds import Kind

# Of more than these only the sums are kept, so that a file of nothing but bad lines fits into the cursor.
BAD_TOLD = 1_000
IGNORED_TOLD = 100

COUNTED = {
    "read": "lines",
    "added": "rows that were not there",
    "updated": "rows that the file has a newer state of",
    "same": "rows that are there in this state",
    "kept": "rows whose state here is newer, or not to be touched",
    "busy": "media here that are being worked on",
    "left_out": "lines of other accounts",
    "bad": "lines that are no good rows",
}


class Tally:
    """Can be kept as JSON and taken up again."""

    def __init__(self, kept: dict[str, Any] | None = None) -> None:
        kept = kept or {}
        self.sums = {kind: Counter(kept.get("sums", {}).get(kind, {})) for kind in Kind}
        self.problems: Counter[str] = Counter(kept.get("problems", {}))
        self.ignored: Counter[str] = Counter(kept.get("ignored", {}))
        self.bad: list[dict[str, Any]] = list(kept.get("bad", []))

    def count(self, kind: Kind, outcome: str, number: int = 1) -> None:
        self.sums[kind][outcome] += number

    def refuse(self, kind: Kind, line: int, problem: str) -> None:
        self.count(kind, "bad")
        self.problems[f"{kind}: {problem}"] += 1
        if len(self.bad) < BAD_TOLD:
            self.bad.append({"kind": kind.value, "line": line, "problem": problem})

    def ignore(self, kind: Kind, keys: set[str]) -> None:
        for key in keys:
            name = f"{kind}.{key[:60]}"
            if name in self.ignored or len(self.ignored) < IGNORED_TOLD:
                self.ignored[name] += 1

    @property
    def refused(self) -> int:
        return sum(sums["bad"] for sums in self.sums.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "sums": {kind.value: dict(sums) for kind, sums in self.sums.items()},
            "problems": dict(self.problems),
            "ignored": dict(self.ignored),
            "bad": self.bad,
        }

    def rows(self) -> list[dict[str, Any]]:
        """A table: one row a kind that was read."""
        return [
            {"kind": kind.value, **{name.replace("_", " "): sums[name] for name in COUNTED}}
            for kind, sums in self.sums.items()
            if sums["read"]
        ]
