"""Flow runs and task runs that do nothing, made as SAIS' flows make theirs: async tasks awaited under `gather`.

python -m benchmarks.prefect_runs FLOWS TASKS      prints the CPU seconds of the flow runs, after one that warms up
"""

import asyncio
import json
import sys
import time

from prefect import flow, task

from tasks.policy import PLAIN

# As many at once as a run has chunks in flight.
AT_ONCE = 4


@task(name="nothing", **PLAIN)
async def nothing(number: int) -> int:
    return number


@flow(name="bench-nothing")
async def nothings(tasks: int) -> int:
    for start in range(0, tasks, AT_ONCE):
        await asyncio.gather(*(nothing(number) for number in range(start, min(tasks, start + AT_ONCE))))
    return tasks


async def work(flows: int, tasks: int) -> float:
    await nothings(1)
    start = time.process_time()
    for _ in range(flows):
        await nothings(tasks)
    return time.process_time() - start


def main(flows: int, tasks: int) -> None:
    print(json.dumps(asyncio.run(work(flows, tasks))))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
