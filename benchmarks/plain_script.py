"""What a good script does without the rest: asyncio downloads with aiohttp, and a process for each core makes thumbs.

    python -m benchmarks.plain_script FOLDER      takes a JSON list of URLs on stdin, prints seconds

No database, no retries, no guard, no webhooks; nothing is flushed to disk.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import aiohttp

from benchmarks.installation import PRESETS
from sais.imaging import render
from sais.pipeline.imaging_workers import worker_environment
from sais_models import DEFAULT_PRESETS

DOWNLOADS_AT_ONCE = 32
TOGETHER = 8
MAX_PIXELS = 100_000_000


def run_script(urls: list[str], folder: Path) -> float:
    """Seconds from the first download to the last thumb, the start of its processes not counted."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "benchmarks.plain_script", str(folder)]
    root = Path(__file__).parent.parent
    done = subprocess.run(
        command,
        input=json.dumps(urls),
        cwd=root,
        env=worker_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


async def work(urls: list[str], folder: Path) -> float:
    cores = os.cpu_count() or 1
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(DOWNLOADS_AT_ONCE)
    with ProcessPoolExecutor(cores) as pool:
        await asyncio.gather(*(loop.run_in_executor(pool, time.sleep, 0.2) for _ in range(cores)))
        start = time.perf_counter()
        rendering = []
        async with aiohttp.ClientSession() as session:
            downloads = [_download(session, gate, url, folder / f"{n}.jpg") for n, url in enumerate(urls)]
            arrived: list[Path] = []
            for download in asyncio.as_completed(downloads):
                arrived.append(await download)
                if len(arrived) == TOGETHER:
                    rendering.append(loop.run_in_executor(pool, _make, arrived))
                    arrived = []
        rendering.append(loop.run_in_executor(pool, _make, arrived))
        await asyncio.gather(*rendering)
        return time.perf_counter() - start


async def _download(session: aiohttp.ClientSession, gate: asyncio.Semaphore, url: str, place: Path) -> Path:
    async with gate, session.get(url) as response:
        response.raise_for_status()
        await asyncio.to_thread(place.write_bytes, await response.read())
    return place


def _make(files: Sequence[Path]) -> None:
    presets = [preset for preset in DEFAULT_PRESETS if preset.name in PRESETS]
    for file in files:
        for thumb in render(file, presets, max_pixels=MAX_PIXELS).thumbs:
            file.with_suffix(f".{thumb.preset}.webp").write_bytes(thumb.data)


if __name__ == "__main__":
    print(asyncio.run(work(json.load(sys.stdin), Path(sys.argv[1]))))
