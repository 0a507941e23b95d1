"""`python -m prefect.engine` with fewer collections of garbage: what a worker starts for a run (decisions/0004)."""

import gc
import runpy

# Of the 2.2 s of CPU that a run's imports take, 0.3 were collections at Python's 700 allocations: nothing that is
# imported is garbage. In a run of 1,000 images it was five whole collections, of 0.1 s each.
YOUNG_ALLOCATIONS = 20_000
YOUNG_BETWEEN_MIDDLE = 20
MIDDLE_BETWEEN_WHOLE = 20


def collect_less() -> None:
    gc.set_threshold(YOUNG_ALLOCATIONS, YOUNG_BETWEEN_MIDDLE, MIDDLE_BETWEEN_WHOLE)


def main() -> None:
    collect_less()
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
