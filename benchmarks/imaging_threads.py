"""What the imaging workers are compared with: threads of the run's own process."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sais.imaging import Rendition, render
from sais.pipeline.imaging_workers import ImagingWorkers
from sais_models import PresetSettings


class ImagingThreads(ImagingWorkers):
    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._pool = ThreadPoolExecutor(count)

    async def render(self, source: Path, presets: Sequence[PresetSettings], *, max_pixels: int) -> Rendition:
        work = asyncio.get_running_loop().run_in_executor
        return await work(self._pool, lambda: render(source, presets, max_pixels=max_pixels))

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
