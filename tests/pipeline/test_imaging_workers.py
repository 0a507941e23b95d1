"""Thumbs are made in processes that may die without taking the run with them."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from sais.errors import CorruptImage, FileMissing, NotAnImage, StorageError, TransientMediaError
from sais.imaging import Rendition, render
from sais.pipeline.imaging_workers import ImagingWorkers, imaging_workers, job_of
from sais_models import DEFAULT_PRESETS
from tests.support.pictures import encoded, quarters

MAX_PIXELS = 10_000_000
WAIT_MILLISECONDS = 20_000


@pytest.fixture
def workers() -> Iterator[ImagingWorkers]:
    with imaging_workers(1) as workers:
        yield workers


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.png"
    file.write_bytes(encoded(quarters(), "PNG"))
    return file


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A picture at which a worker stands still as soon as it opens it."""
    file = tmp_path / "fifo.png"
    os.mkfifo(file)
    return file


def running() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "sais.imaging.worker" in child.cmdline()]


@contextmanager
def opened_by_a_worker(fifo: Path) -> Iterator[int]:
    descriptor = os.open(fifo, os.O_WRONLY)  # waits for a reader
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def kill_reader(fifo: Path, number: signal.Signals) -> None:
    """Returns when the worker that reads is dead."""
    with opened_by_a_worker(fifo) as descriptor:
        [worker] = running()
        worker.send_signal(number)
        poll = select.poll()
        poll.register(descriptor, 0)
        assert poll.poll(WAIT_MILLISECONDS) == [(descriptor, select.POLLERR)]


def feed_reader(fifo: Path, picture: Path) -> None:
    with opened_by_a_worker(fifo) as descriptor, os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(picture.read_bytes())


async def meanwhile(rendering: asyncio.Task[Any], fifo: Path, action: Callable[[], None]) -> None:
    """`action` on the worker that reads the fifo; when the rendering ends before, there will be none."""
    acting = asyncio.ensure_future(asyncio.to_thread(action))
    await asyncio.wait({rendering, acting}, return_when=asyncio.FIRST_COMPLETED)
    if rendering.done():
        os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))  # lets go of a thread that waits for a reader
    await acting


async def test_a_worker_makes_what_render_makes(workers: ImagingWorkers, picture: Path) -> None:
    here = render(picture, DEFAULT_PRESETS, max_pixels=MAX_PIXELS)
    there = await workers.render(picture, DEFAULT_PRESETS, max_pixels=MAX_PIXELS)
    assert (there.thumbs, there.blurhash, there.phash, there.colors) == (
        here.thumbs,
        here.blurhash,
        here.phash,
        here.colors,
    )
    assert there.timings.keys() == here.timings.keys()


async def test_a_worker_writes_thumbs_into_a_folder(workers: ImagingWorkers, picture: Path, tmp_path: Path) -> None:
    presets, paths = DEFAULT_PRESETS[:2], ("a/1.webp", "b/2.webp")
    bytes_back = await workers.render(picture, presets, max_pixels=MAX_PIXELS)
    job = job_of(picture, presets, max_pixels=MAX_PIXELS, folder=tmp_path / "cache", paths=paths)
    [answer] = await workers.work([job])
    assert isinstance(answer, Rendition)
    assert [thumb.data for thumb in answer.thumbs] == [b"", b""]
    assert [thumb.size for thumb in answer.thumbs] == [len(thumb.data) for thumb in bytes_back.thumbs]
    for path, thumb in zip(paths, bytes_back.thumbs, strict=True):
        assert (tmp_path / "cache" / path).read_bytes() == thumb.data


async def test_a_folder_that_cannot_be_written_is_no_fault_of_the_picture(
    workers: ImagingWorkers, picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    job = job_of(picture, DEFAULT_PRESETS[:1], max_pixels=MAX_PIXELS, folder=tmp_path / "file", paths=["a.webp"])
    [answer] = await workers.work([job])
    assert isinstance(answer, StorageError)


async def test_each_of_a_group_has_its_own_answer(workers: ImagingWorkers, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no picture")
    jobs = [job_of(place, [], max_pixels=MAX_PIXELS) for place in (picture, tmp_path / "text", picture)]
    answers = await workers.work(jobs)
    assert [type(answer) for answer in answers] == [Rendition, NotAnImage, Rendition]


async def test_the_others_of_a_group_outlive_a_picture_that_kills(
    workers: ImagingWorkers, fifo: Path, picture: Path
) -> None:
    jobs = [job_of(place, [], max_pixels=MAX_PIXELS) for place in (picture, fifo, picture)]
    work = asyncio.create_task(workers.work(jobs))
    for _ in range(3):
        await meanwhile(work, fifo, lambda: kill_reader(fifo, signal.SIGSEGV))
    answers = await work
    assert [type(answer) for answer in answers] == [Rendition, CorruptImage, Rendition]


async def test_a_worker_is_used_again(workers: ImagingWorkers, picture: Path) -> None:
    seen: list[list[int]] = []
    for _ in range(2):
        await workers.render(picture, [], max_pixels=MAX_PIXELS)
        seen.append([process.pid for process in running()])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 1


async def test_errors_come_back_as_they_were_raised(workers: ImagingWorkers, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    with pytest.raises(NotAnImage) as refused:
        await workers.render(text, DEFAULT_PRESETS, max_pixels=MAX_PIXELS)
    assert (refused.value.reason, refused.value.retryable) == ("not_image", False)
    with pytest.raises(FileMissing):
        await workers.render(tmp_path / "lost.jpg", DEFAULT_PRESETS, max_pixels=MAX_PIXELS)


async def test_a_worker_that_dies_once_is_replaced(workers: ImagingWorkers, fifo: Path, picture: Path) -> None:
    rendering = asyncio.create_task(workers.render(fifo, DEFAULT_PRESETS, max_pixels=MAX_PIXELS))
    await meanwhile(rendering, fifo, lambda: kill_reader(fifo, signal.SIGKILL))
    await meanwhile(rendering, fifo, lambda: feed_reader(fifo, picture))
    assert len((await rendering).thumbs) == len(DEFAULT_PRESETS)


@pytest.mark.parametrize(
    ("number", "error", "reason"),
    [(signal.SIGSEGV, CorruptImage, "corrupt"), (signal.SIGKILL, TransientMediaError, "out_of_memory")],
)
async def test_a_picture_that_kills_two_workers_fails_alone(
    workers: ImagingWorkers, fifo: Path, picture: Path, number: signal.Signals, error: type[Exception], reason: str
) -> None:
    poisonous = asyncio.create_task(workers.render(fifo, DEFAULT_PRESETS, max_pixels=MAX_PIXELS))
    good = asyncio.create_task(workers.render(picture, DEFAULT_PRESETS, max_pixels=MAX_PIXELS))
    for _ in range(2):
        await meanwhile(poisonous, fifo, lambda: kill_reader(fifo, number))
    with pytest.raises(error) as raised:
        await poisonous
    assert getattr(raised.value, "reason", None) == reason
    assert len((await good).thumbs) == len(DEFAULT_PRESETS)


async def test_no_worker_outlives_its_run(picture: Path) -> None:
    with imaging_workers(2) as workers:
        await asyncio.gather(*(workers.render(picture, [], max_pixels=MAX_PIXELS) for _ in range(4)))
        assert 1 <= len(running()) <= 2
    assert not running()


async def test_what_the_user_has_set_stays(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with imaging_workers(1) as workers:
        await workers.render(picture, [], max_pixels=MAX_PIXELS)
        [worker] = running()
        environment = worker.environ()
    assert (environment["MALLOC_TRIM_THRESHOLD_"], environment["OPENBLAS_NUM_THREADS"]) == ("1000000", "1")


def test_nothing_is_started_before_the_first_picture() -> None:
    with imaging_workers(2):
        assert not running()


def test_a_worker_loads_nothing_heavy() -> None:
    code = "import sys, sais.imaging.worker; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & {"sqlalchemy", "sqlmodel", "sais_models", "pydantic", "prefect", "httpx", "asyncio"}
