"""How much a benchmark does: from the environment, else tiny under BENCH_QUICK, else what the documents quote."""

import os

QUICK = bool(os.environ.get("BENCH_QUICK"))


def size(name: str, usual: int, *, quick: int) -> int:
    """`BENCH_` and the name."""
    return int(os.environ.get(f"BENCH_{name}") or (quick if QUICK else usual))


ROUNDS = size("ROUNDS", 5, quick=1)
