"""Proof by killing. Everything listens on loopback only and lives in one temporary folder.

    python -m tests.chaos servers --images 2000 --kills 26      PostgreSQL, S3, every process by itself
    python -m tests.chaos embedded --images 500 --kills 7       `sais up`: SQLite and folders
    python -m tests.chaos seams                                 each seam, one after the other

`--seed` repeats a run. The table is on standard output; exit code 1 when something is not as it must be.
"""

import argparse
import random
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from tests.chaos import tables
from tests.chaos.scenario import run
from tests.chaos.stack import embedded_stack, server_stack
from tests.chaos.strikes import plan
from tests.chaos.suite import Suite
from tests.chaos.supply import Faults, FaultyOrigin


def stop(number: int, frame: FrameType | None) -> None:
    """Everything that was started is ended on the way out."""
    raise SystemExit(128 + number)


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", choices=["servers", "embedded", "seams"])
    parser.add_argument("--images", type=int, help="default: 2000, 500 or 12")
    parser.add_argument("--kills", type=int, help="default: 26 or 7")
    parser.add_argument("--absences", type=int, default=2, help="how often each server is away; default: 2")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats a run")
    parser.add_argument("--only", default="", help="seams whose names have this in them")
    parser.add_argument("--keep", type=Path, help="the folder for logs and everything else; default: a temporary one")
    given = parser.parse_args()
    print(f"seed {given.seed}", file=sys.stderr, flush=True)
    embedded = given.what == "embedded"
    faults = Faults(given.seed, share=0.0 if given.what == "seams" else 1.0)
    with ExitStack() as stack:
        home = given.keep or Path(stack.enter_context(TemporaryDirectory(prefix="sais-chaos-")))
        origin = stack.enter_context(FaultyOrigin(faults))
        if given.what == "seams":
            made = stack.enter_context(server_stack(home, origin, scheduled=False))
            suite = Suite(made, given.images or 12)
            try:
                suite.run(given.only)
            finally:  # what was seen before an interruption, too
                print(tables.of_seams(sorted(suite.torn, key=lambda seam: seam.number)))
            return int(any(seam.problems for seam in suite.torn))
        made = stack.enter_context((embedded_stack if embedded else server_stack)(home, origin))
        images, kills = given.images or (500 if embedded else 2000), given.kills or (7 if embedded else 26)
        outcome = run(made, given.seed, images, plan(made, given.seed, kills, given.absences))
        print(tables.of_run(made, given.seed, outcome))
        for problem in outcome.verdict.problems:
            print(f"NOT AS IT MUST BE: {problem}", file=sys.stderr)
        return int(bool(outcome.verdict.problems))


if __name__ == "__main__":
    sys.exit(main())
