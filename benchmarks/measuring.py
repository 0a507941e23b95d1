"""Seconds and CPU of this benchmark's processes, and how much of the machine others had meanwhile."""

import contextlib
import os
import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]


@dataclass
class Spent:
    """`cpu` in seconds of the processes that were started and ended within the block, `servers` of those that run on
    by name; `others` the share of all cores that neither this process had nor any that it has started."""

    seconds: float = 0.0
    cpu: float = 0.0
    servers: dict[str, float] = field(default_factory=dict)
    others: float = 0.0


@contextlib.contextmanager
def measured(servers: Mapping[str, int]) -> Iterator[Spent]:
    """`servers` are process ids by name; filled in when the block ends."""
    spent = Spent()
    machine, ours, ended, start = _machine(), tree_cpu(os.getpid()), ended_cpu(), time.perf_counter()
    before = {name: tree_cpu(pid) for name, pid in servers.items()}
    yield spent
    spent.seconds = time.perf_counter() - start
    spent.cpu = ended_cpu() - ended
    spent.servers = {name: tree_cpu(pid) - before[name] for name, pid in servers.items()}
    ours = tree_cpu(os.getpid()) - ours
    spent.others = max(0.0, _machine() - machine - ours) / spent.seconds / (os.cpu_count() or 1)


def tree_cpu(pid: int) -> float:
    """CPU seconds of a process and of all that it has started, those that have ended too."""
    process, spent = psutil.Process(pid), 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(each.cpu_times()[:4])
    return spent


def _machine() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def ended_cpu() -> float:
    """CPU seconds of the processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
