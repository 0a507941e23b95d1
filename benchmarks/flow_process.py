"""`deployments.run_starter`, whose runs tell at their end the CPU seconds of their own process.

python -m benchmarks.flow_process ADDRESS      a run with BENCH_CPU_FILE in its environment writes there
"""

import atexit
import os
import time
from pathlib import Path

from deployments.run_starter import main


def tell(starter: int) -> None:
    """Since it was forked, its imaging workers left out."""
    if os.getpid() != starter and (file := os.environ.get("BENCH_CPU_FILE")):
        Path(file).write_text(str(time.process_time()))


if __name__ == "__main__":
    atexit.register(tell, os.getpid())
    main()
