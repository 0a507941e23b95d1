"""`deployments.flow_run`, which tells at its end the CPU seconds of its own process, its imaging workers' left out.

BENCH_CPU_FILE=FILE PREFECT__FLOW_RUN_ID=ID python -m benchmarks.flow_process
"""

import atexit
import os
import time
from pathlib import Path

from deployments.flow_run import main


def tell() -> None:
    Path(os.environ["BENCH_CPU_FILE"]).write_text(str(time.process_time()))


if __name__ == "__main__":
    atexit.register(tell)
    main()
