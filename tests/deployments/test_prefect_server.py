"""The Prefect server's garbage never makes its event loop wait for SQLite."""

import subprocess
import sys
from pathlib import Path

from deployments.environment import PROJECT

# What happens in the server: a cursor that only the collector lets go of, while its connection's thread waits for the
# write lock that the main thread holds. SQLite calls back when it begins the statement, with the connection's mutex.
SCENE = """
import gc, sqlite3, sys, threading, weakref
from deployments.prefect_server import collect_in_own_thread

class Cycle:
    def __init__(self, cursor):
        self.cursor, self.myself = cursor, self

collect_in_own_thread()
path = sys.argv[1]
holder = sqlite3.connect(path, isolation_level=None)
holder.execute("PRAGMA journal_mode = WAL")
holder.execute("CREATE TABLE run (state INTEGER)")
holder.executemany("INSERT INTO run VALUES (?)", [(1,), (2,)])
waiter = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
write = "UPDATE run SET state = state + 1"
waiter.execute(write)

gc.collect()
cycle = Cycle(waiter.execute("VALUES (1), (2)"))
cycle.cursor.fetchone()
collected = threading.Event()
weakref.finalize(cycle, collected.set)
del cycle

waiting, outcome = threading.Event(), []
waiter.set_trace_callback(lambda statement: waiting.set())

def work():
    try:
        waiter.execute(write)
        outcome.append("written")
    except sqlite3.OperationalError as error:
        outcome.append(str(error))

holder.execute("BEGIN IMMEDIATE")
thread = threading.Thread(target=work)
thread.start()
waiting.wait()
for _ in range(100_000):
    Cycle(None)
holder.execute("ROLLBACK")
thread.join()
print(*outcome, "collected" if collected.wait(60) else "kept")
"""


def test_a_write_that_waits_for_the_lock_gets_it_though_its_cursor_is_garbage(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCENE, str(tmp_path / "prefect.db")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["written", "collected"]
