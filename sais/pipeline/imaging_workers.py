"""The processes that make thumbs (docs/decisions/0005)."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import Pipe
from pathlib import Path

from sais.errors import CorruptImage, InfrastructureError, TransientMediaError
from sais.imaging import Rendition
from sais.imaging.worker import Answer, Job, Recipe
from sais_models import PresetSettings

# A worker may die of the picture before, or of another program's hunger: only a second death is the picture's.
TRIES = 2

_TUNED = {
    # The workers fill the cores; threads of numpy's would only cost memory.
    "OPENBLAS_NUM_THREADS": "1",
    # glibc keeps the pixels' memory for the next picture: to get it anew from the kernel was 280 page faults and 4 % of
    # the CPU of a picture. With 32 MB to keep there were 130 still, of photographs up to 4 megapixels. Pillow asks for
    # 16 MB at a time, which must not come from mmap.
    "MALLOC_MMAP_THRESHOLD_": str(64 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(48 * 2**20),
}


def worker_environment() -> dict[str, str]:
    """What a worker is started with. What its user has set stays."""
    return _TUNED | dict(os.environ)


class WorkerDied(Exception):
    """`code` as of subprocess: negative is the signal."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ImagingWorkers:
    """At most `count` processes, each started when it is first needed; a thread waits for each that is at work."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="imaging")
        self._idle: list[_Worker] = []

    def start(self) -> None:
        """All of them now, while there is nothing for them yet: each needs a quarter of a second to be ready."""
        for _ in range(self._count):
            self._threads.submit(self._answers, [])

    async def render(self, source: Path, presets: Sequence[PresetSettings], *, max_pixels: int) -> Rendition:
        """`sais.imaging.render` in a worker, and raises what it raises."""
        [answer] = await self.work([job_of(source, presets, max_pixels=max_pixels)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def work(self, jobs: Sequence[Job], *, spent: Callable[[float], None] | None = None) -> list[Answer]:
        """A group of pictures one after the other in one worker: the fewer messages, the less they cost.

        A picture of which the decoder dies twice gives CorruptImage (`corrupt`), one for which the kernel kills two
        workers TransientMediaError (`out_of_memory`); the others go on. `spent` is told the worker's seconds.
        """
        plain = [tuple(job) for job in jobs]
        answers, seconds = await asyncio.get_running_loop().run_in_executor(self._threads, self._timed_answers, plain)
        if spent is not None:
            spent(seconds)
        return answers

    def close(self) -> None:
        """Waits for the pictures that are being worked on, and drops those that wait."""
        self._threads.shutdown(cancel_futures=True)
        for worker in self._idle:
            worker.close()

    def _timed_answers(self, jobs: Sequence[tuple[object, ...]]) -> tuple[list[Answer], float]:
        start = time.perf_counter()
        return self._answers(jobs), time.perf_counter() - start

    def _answers(self, jobs: Sequence[tuple[object, ...]]) -> list[Answer]:
        """In a thread that has the worker for itself. Of a group it is not known which picture the worker died of."""
        died = WorkerDied(0)
        for _ in range(TRIES if len(jobs) <= 1 else 1):
            worker = self._free_worker()
            try:
                answers = worker.ask(jobs)
            except WorkerDied as death:
                died = death
            else:
                self._idle.append(worker)
                return answers
        return [self._answers([job])[0] for job in jobs] if len(jobs) > 1 else [_verdict(died.code) for _ in jobs]

    def _free_worker(self) -> "_Worker":
        try:
            return self._idle.pop()
        except IndexError:
            return _Worker()


class _Worker:
    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                [sys.executable, "-m", "sais.imaging.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=worker_environment(),
            )

    def ask(self, jobs: Sequence[tuple[object, ...]]) -> list[Answer]:
        """Raises WorkerDied."""
        try:
            self._pipe.send(jobs)
            answers: list[Answer] = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._pipe.close()
            raise WorkerDied(self._process.wait()) from error
        return answers

    def close(self) -> None:
        """A worker ends when its pipe does."""
        self._pipe.close()
        self._process.wait()


def job_of(
    source: Path,
    presets: Sequence[PresetSettings],
    *,
    max_pixels: int,
    folder: Path | None = None,
    paths: Sequence[str] = (),
) -> Job:
    """See `sais.imaging.worker.Job`."""
    recipes = [(*Recipe.of(preset),) for preset in presets]
    return Job(str(source), recipes, max_pixels, None if folder is None else str(folder), tuple(paths))


def _verdict(code: int) -> Exception:
    if code == -signal.SIGKILL:
        return TransientMediaError("out_of_memory", "the kernel killed the worker twice")
    if code < 0:
        return CorruptImage("corrupt", f"the decoder crashed twice ({signal.Signals(-code).name})")
    return InfrastructureError(f"imaging workers end by themselves with code {code}")


@contextmanager
def imaging_workers(count: int) -> Iterator[ImagingWorkers]:
    """`count` processes at most."""
    workers = ImagingWorkers(count)
    try:
        yield workers
    finally:
        workers.close()
