"""`prefect server start`, which on SQLite must not collect garbage in its event loop (docs/decisions/0012), need not
look into its queue 18 times a second (docs/decisions/0036), writes events in one statement (docs/decisions/0037), and
takes them as they are (docs/decisions/0039).

python -m deployments.prefect_server --port 4200      takes what `prefect server start` takes
"""

import gc
import runpy
import sys
import threading

from deployments.event_writing import write_events_in_one_statement
from deployments.patient_queue import ask_less_often
from deployments.web_server import serve_sparingly

YOUNG_SECONDS = 1.0
YOUNG_BETWEEN_WHOLE = 300
# By then everything is imported, and is left out of every collection after that: a whole one holds the interpreter for
# 0.4 s with it, which was a quarter of what an idle server did.
YOUNG_BEFORE_FREEZING = 10


def collect_in_own_thread() -> None:
    """Switches automatic collection off, and collects in a thread that nobody waits for.

    After "database is locked" a traceback keeps the cursor, and only the collector lets go of it: the cursor's end
    takes the mutex of its connection. When that connection's thread meanwhile waits for SQLite's write lock, the
    mutex is free after its 60 s of patience. In the event loop nothing moves until then, and the transaction that
    holds the write lock is one of the loop's own. In a thread only the collection waits.
    """
    gc.disable()
    threading.Thread(target=_collect, name="garbage", daemon=True).start()


def _collect() -> None:
    _collect_young(YOUNG_BEFORE_FREEZING)
    gc.collect()
    gc.freeze()
    while True:
        _collect_young(YOUNG_BETWEEN_WHOLE)
        gc.collect()


def _collect_young(times: int) -> None:
    pause = threading.Event()
    for _ in range(times):
        pause.wait(YOUNG_SECONDS)
        gc.collect(1)


def main() -> None:
    collect_in_own_thread()
    ask_less_often()
    write_events_in_one_statement()
    serve_sparingly()
    sys.argv[:] = ["prefect", "server", "start", *sys.argv[1:]]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
