"""What the imaging workers are compared with: threads of the run's own process."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sais.imaging.worker import Answer, Job, answer
from sais.pipeline.imaging_workers import ImagingWorkers


class ImagingThreads(ImagingWorkers):
    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._pool = ThreadPoolExecutor(count)

    def start(self) -> None:
        """Threads have nothing to get ready."""

    async def work(self, jobs: Sequence[Job], *, spent: Callable[[float], None] | None = None) -> list[Answer]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: [answer(job) for job in jobs])

    def close(self) -> None:
        super().close()
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def imaging_threads(count: int) -> Iterator[ImagingThreads]:
    threads = ImagingThreads(count)
    try:
        yield threads
    finally:
        threads.close()
